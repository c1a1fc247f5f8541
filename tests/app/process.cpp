#include "process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>
#include <thread>

extern char** environ;

namespace pgtrain::test {
namespace {

constexpr std::chrono::microseconds kPoll(300);

std::vector<std::string> environment_with(
    const std::vector<std::pair<std::string, std::string>>& changes) {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=');
    variables[text.substr(0, equals)] = equals == std::string::npos ? "" : text.substr(equals + 1);
  }
  for (const auto& [name, value] : changes) variables[name] = value;
  std::vector<std::string> result;
  for (const auto& [name, value] : variables) result.push_back(name + "=" + value);
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// Only calls that are allowed between fork and exec.
[[noreturn]] void run_child(const char* program, const char* directory, const char* in,
                            const char* out, const char* err, bool closed_streams,
                            uint64_t max_file_bytes, char* const* arguments,
                            char* const* variables) {
  const int in_fd = open(in, O_RDONLY);
  const int out_fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const int err_fd = open(err, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const bool redirected = dup2(in_fd, 0) >= 0 && dup2(out_fd, 1) >= 0 && dup2(err_fd, 2) >= 0;
  if (!redirected || chdir(directory) != 0) _exit(126);
  for (const int fd : {in_fd, out_fd, err_fd})
    if (fd > 2) ::close(fd);
  if (closed_streams) {
    ::close(1);
    ::close(2);
  }
  if (max_file_bytes > 0) {
    const rlimit limit = {max_file_bytes, max_file_bytes};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  execve(program, arguments, variables);
  _exit(127);
}

}  // namespace

Process::Process(const std::vector<std::string>& arguments, const ProcessOptions& options)
    : options_(options) {
  const std::string in = streams_ / "in";
  const std::string out = options.output.empty() ? streams_ / "out" : options.output;
  const std::string err = streams_ / "err";
  write_file(in, options.input);
  std::vector<std::string> words = {"pgtrain"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables = environment_with(options.environment);
  const std::vector<char*> word_pointers = pointers(words);
  const std::vector<char*> variable_pointers = pointers(variables);
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
  if (pid_ == 0)
    run_child(options.program.c_str(), options.directory.c_str(), in.c_str(), out.c_str(),
              err.c_str(), options.closed_streams, options.max_file_bytes, word_pointers.data(),
              variable_pointers.data());
}

Process::~Process() {
  if (ended_) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void Process::send(int signal) const {
  if (!ended_) kill(pid_, signal);
}

void Process::take_status(int status) {
  ended_ = true;
  if (WIFEXITED(status)) result_.code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result_.signal = WTERMSIG(status);
  if (options_.output.empty()) result_.out = read_file(streams_ / "out");
  result_.err = read_file(streams_ / "err");
}

bool Process::is_running() {
  if (ended_) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) == pid_) take_status(status);
  return !ended_;
}

bool Process::wait_until(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (is_running() && std::chrono::steady_clock::now() < end) {
    if (condition()) return true;
    std::this_thread::sleep_for(kPoll);
  }
  return false;
}

ProcessResult Process::wait(std::chrono::seconds timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  while (is_running()) {
    if (std::chrono::steady_clock::now() >= end)
      throw std::runtime_error("pgtrain did not end in time");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return result_;
}

ProcessResult run_pgtrain(const std::vector<std::string>& arguments,
                          const ProcessOptions& options) {
  return Process(arguments, options).wait();
}

}  // namespace pgtrain::test
