// SPDX-License-Identifier: Apache-2.0
// Writes the safetensors format.
#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "graph/value.hpp"
#include "io/atomic_file.hpp"
#include "io/encoding.hpp"
#include "io/tensors/safetensors.hpp"
#include "io/tensors/stored.hpp"

namespace tempo {
namespace {

using nlohmann::json;
using Named = std::pair<std::string, Tensor>;

TensorType type_of(const Tensor& tensor) { return {tensor.dtype(), tensor.shape()}; }

std::string text_in_json(const std::string& path, const std::string& text) {
  if (first_not_utf8(text) != text.npos)
    throw Error(path + ": " + in_quotes(text) +
                ": a name or a text in a safetensors file must be UTF-8.");
  return json(text).dump();
}

// Wide elements come first, so that each tensor is aligned when the file is mapped.
std::vector<const Named*> in_order(const std::string& path, const Safetensors& content) {
  std::vector<const Named*> order;
  std::set<std::string_view> names;
  for (const Named& named : content.tensors) {
    const std::string who = path + ": tensor " + in_quotes(named.first) + ": ";
    if (named.first == "__metadata__")
      throw Error(who + "the format keeps this name for its texts; choose another.");
    if (!names.insert(named.first).second) throw Error(who + "two tensors cannot be called so.");
    if (!named.second) throw Error(who + "it was never given a value (it is Tensor{}).");
    order.push_back(&named);
  }
  std::stable_sort(order.begin(), order.end(), [](const Named* a, const Named* b) {
    return size_of(a->second.dtype()) > size_of(b->second.dtype());
  });
  return order;
}

std::string header_of(const std::string& path, const Safetensors& content,
                      const std::vector<const Named*>& order) {
  std::string text = "{", between;
  if (!content.metadata.empty()) {
    text += "\"__metadata__\":{";
    for (const auto& [key, value] : content.metadata) {
      text += between + text_in_json(path, key) + ':' + text_in_json(path, value);
      between = ',';
    }
    text += '}';
  }
  std::size_t end = 0;
  for (const Named* named : order) {
    const TensorType type = type_of(named->second);
    const json offsets = {end, end + type.bytes()};
    text += (text.size() > 1 ? "," : "") + text_in_json(path, named->first) + ":{\"dtype\":\"" +
            written_as(type.dtype).safetensors + "\",\"shape\":" +
            json(std::vector<int64_t>(type.shape.begin(), type.shape.end())).dump() +
            ",\"data_offsets\":" + offsets.dump() + '}';
    end += type.bytes();
  }
  text += '}';
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

}  // namespace

void write_safetensors(const std::string& path, const Safetensors& content) {
  const std::vector<const Named*> order = in_order(path, content);
  const std::string header = header_of(path, content, order);
  const uint64_t length = header.size();
  for (const Named* named : order) named->second.handle()->array.finish();

  AtomicFile file(path);
  file.write(&length, sizeof length);
  file.write(header);
  for (const Named* named : order)
    file.write(named->second.handle()->array.view().data, type_of(named->second).bytes());
  file.commit();
}

}  // namespace tempo
