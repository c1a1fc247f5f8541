#include "report/report_page.h"

#include "core/hash.h"
#include "text/base64.h"

namespace pgtrain {
namespace {

// 'sha256-...' of a content security policy.
std::string source_hash(const std::string& content) {
  const std::string digits = sha256(content);
  std::string bytes;
  for (size_t i = 0; i < digits.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  return "'sha256-" + encode_base64(bytes) + "'";
}

}  // namespace

std::string html_page(const std::string& title, const Html& body) {
  const std::string policy = "default-src 'none'; style-src " + source_hash(kReportStyle) +
                             "; script-src " + source_hash(kReportScript) +
                             "; base-uri 'none'; form-action 'none'";
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"" +
         policy +
         "\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"color-scheme\" content=\"light dark\">\n" +
         element("title", {}, plain_text(title)).bytes() + "\n<style>" + kReportStyle +
         "</style>\n</head>\n<body>\n" + body.bytes() + "\n<script>" + kReportScript +
         "</script>\n</body>\n</html>\n";
}

}  // namespace pgtrain
