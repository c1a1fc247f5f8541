#include "report/report.h"

#include <spdlog/fmt/fmt.h>

#include <set>

#include "report/html.h"
#include "report/report_charts.h"
#include "report/report_comparison.h"
#include "report/report_completions.h"
#include "report/report_page.h"
#include "report/report_run.h"
#include "report/report_sections.h"
#include "report/run_record.h"

namespace pgtrain {
namespace {

struct SectionOfPage {
  const char* id;
  const char* title;
  Html content;
};

// What the report says of one run, but for its curves.
std::vector<SectionOfPage> run_sections(const ReportRun& run, const char* heading_inside) {
  return {{"completions", "Completions", completions_section(run, heading_inside)},
          {"groups", "Reward by group", fairness_section(run)},
          {"words", "Words penalised", words_section(run)},
          {"warnings", "Warnings", warnings_section(run)},
          {"configuration", "Configuration", configuration_section(run)},
          {"origin", "Origin and checkpoints", provenance_section(run)}};
}

Html navigation(const std::vector<SectionOfPage>& sections) {
  Html links;
  for (const SectionOfPage& section : sections)
    if (!section.content.empty())
      links += element("a", {{"href", std::string("#") + section.id}}, text(section.title));
  return element("nav", {{"aria-label", "Sections"}}, links);
}

Html with_headings(const std::vector<SectionOfPage>& sections) {
  Html out;
  for (const SectionOfPage& section : sections)
    if (!section.content.empty())
      out += element("section", {},
                     {element("h2", {{"id", section.id}}, text(section.title)), section.content});
  return out;
}

Html page_of_run(const ReportRun& run, const std::string& title) {
  std::vector<SectionOfPage> sections = run_sections(run, "h3");
  sections.insert(sections.begin(), {"curves", "Curves", charts_of({run})});
  return Html{element("header", {}, {element("h1", {}, text(title)), navigation(sections)}),
              element("main", {}, {summary_section(run), with_headings(sections)})};
}

Html page_of_runs(const std::vector<ReportRun>& runs, const std::string& title) {
  std::vector<SectionOfPage> sections = {{"results", "Results", comparison_section(runs)},
                                         {"curves", "Curves", charts_of(runs)}};
  Html main = with_headings(sections);
  for (size_t i = 0; i < runs.size(); ++i) {
    Html content = Html{element("h2", {{"id", fmt::format("run-{}", i + 1)}},
                                {line_key(static_cast<int>(i)), text(runs[i].name)}),
                        summary_section(runs[i])};
    Html more = element("summary", {}, text("Completions, configuration, checkpoints"));
    for (const SectionOfPage& section : run_sections(runs[i], "h4"))
      if (!section.content.empty())
        more += element("h3", {}, text(section.title)) + section.content;
    main += element("section", {}, content + element("details", {}, more));
  }
  return Html{element("header", {}, {element("h1", {}, text(title)), navigation(sections)}),
              element("main", {}, main)};
}

// Runs of one name are called by their folders.
void make_names_different(std::vector<ReportRun>& runs) {
  std::set<std::string> seen;
  bool is_unique = true;
  for (const ReportRun& run : runs) is_unique = seen.insert(run.name).second && is_unique;
  if (is_unique) return;
  for (ReportRun& run : runs) run.name = run.record.directory.string();
}

}  // namespace

std::string report_page(const std::vector<std::filesystem::path>& paths, const std::string& title,
                        const std::function<void(const Error& why)>& left_out) {
  std::vector<ReportRun> runs;
  const auto directories = find_runs(paths);
  for (const auto& directory : directories) try {
      runs.push_back(read_report_run(directory));
    } catch (const Error& e) {
      const bool is_last_hope = runs.empty() && directory == directories.back();
      if (!left_out || is_last_hope) throw;
      left_out(e);
    }
  make_names_different(runs);
  if (runs.size() == 1) {
    const std::string shown = title.empty() ? runs[0].name : title;
    return html_page(shown, page_of_run(runs[0], shown));
  }
  const std::string shown = title.empty() ? fmt::format("{} runs", runs.size()) : title;
  return html_page(shown, page_of_runs(runs, shown));
}

}  // namespace pgtrain
