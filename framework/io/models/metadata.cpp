// SPDX-License-Identifier: Apache-2.0
// A user's own texts in a model's file.
#include <tempo/names.hpp>

#include "io/encoding.hpp"
#include "io/models/model_file.hpp"
#include "training/models/model_state.hpp"
#include "training/settings.hpp"

namespace tempo {

void Model::set_metadata(const std::string& name, const std::string& text) {
  require_text("set_metadata", name);
  if (model_file::is_own(name))
    throw Error("set_metadata: `" + name + "` is Tempo's own name in files; take another.");
  if (first_not_utf8(text) != text.npos)
    throw Error("set_metadata: the text of `" + name + "`, " + in_quotes(text) +
                ", is not UTF-8, which files hold.");
  if (text.empty())
    state_->metadata.erase(name);
  else
    state_->metadata[name] = text;
}

std::string Model::metadata(const std::string& name) const {
  const auto found = state_->metadata.find(name);
  if (found != state_->metadata.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [each, text] : state_->metadata) known.push_back(each);
  if (known.empty())
    throw Error(state_->name + ": it has no metadata `" + name +
                "`, and none at all.\n  model.set_metadata(name, text) before model.save puts a "
                "text into the file.");
  unknown_name(state_->name, "metadata", name, known);
}

std::map<std::string, std::string> Model::metadata() const { return state_->metadata; }

}  // namespace tempo
