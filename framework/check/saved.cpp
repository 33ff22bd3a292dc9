// SPDX-License-Identifier: Apache-2.0
// Saves layers to a file and loads them again.
#include <unistd.h>

#include <filesystem>

#include "check/subject.hpp"

namespace tempo::conformance {

namespace {

class TemporaryFile {
 public:
  TemporaryFile()
      : path_((std::filesystem::temp_directory_path() /
               ("conformance_" + std::to_string(getpid()) + ".tempo"))
                  .string()) {}
  ~TemporaryFile() {
    std::error_code none;
    std::filesystem::remove(path_, none);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

Sequential saved_and_loaded(const Subject& subject, const Sequential& model) {
  const TemporaryFile file;
  model.save(file.path());
  const Registration its{.type = &subject.type()};
  LoadOptions options;
  (subject.is_cell() ? options.cells : options.layers).push_back(its);
  return load_model(file.path(), options);
}

}  // namespace tempo::conformance
