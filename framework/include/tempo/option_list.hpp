// SPDX-License-Identifier: Apache-2.0
// Options by name and value: found in an array from across the boundary, or copied as a whole.
#pragma once

#include <deque>
#include <span>
#include <string_view>

#include <tempo/layer.hpp>

namespace tempo TEMPO_HIDDEN {
namespace sdk {

/// The attribute of this name; null if it is not given.
inline const tempo_attribute* given(const Strided<tempo_attribute>& all, std::string_view name) {
  for (const tempo_attribute& a : all)
    if (name == a.name) return &a;
  return nullptr;
}
inline const tempo_attribute* given(const Layer& layer, std::string_view name) {
  const tempo_layer_view v = layer.view();
  return given({v.options, v.n_options}, name);
}

/// Options with copies of the names, texts, lists and layers that they point to.
class OptionList {
 public:
  OptionList() = default;
  explicit OptionList(std::span<const tempo_attribute> options) {
    attributes_.reserve(options.size() + 1);  // room for one that is set later: views stay valid
    for (const tempo_attribute& o : options) add(o);
  }
  OptionList(const OptionList&) = delete;
  OptionList& operator=(const OptionList&) = delete;

  void add(const std::string& name, int64_t value) { add(Attribute(name.c_str(), value).abi()); }
  void add(const std::string& name, double value) { add(Attribute(name.c_str(), value).abi()); }
  void add(const std::string& name, const std::string& value) {
    add(Attribute(name.c_str(), value.c_str()).abi());
  }
  void add(const std::string& name, const std::vector<int64_t>& value) {
    add(Attribute(name.c_str(), value).abi());
  }
  /// Layer{} stands for no layer.
  void add(const std::string& name, const Layer& value) {
    add(Attribute(name.c_str(), value.handle()).abi());
  }
  /// Adds a copy. A pointer of the option that leads nowhere is null in it.
  void add(const tempo_attribute& option) { attributes_.push_back(kept(option)); }
  /// The same, in place of the option of this name, if there is one.
  void set(const tempo_attribute& option) {
    for (tempo_attribute& known : attributes_)
      if (std::string_view(known.name) == option.name) {
        known = kept(option);
        return;
      }
    add(option);
  }

  /// The same, in place of the option of this name, if there is one.
  void set(const std::string& name, int64_t value) {
    for (tempo_attribute& o : attributes_)
      if (name == o.name) {
        o.kind = TEMPO_INT64_VALUE;
        o.integer = value;
        return;
      }
    add(name, value);
  }

  const std::vector<tempo_attribute>& all() const { return attributes_; }
  const tempo_attribute* find(std::string_view name) const {
    return given(std::span(attributes_), name);
  }

 private:
  tempo_attribute kept(tempo_attribute o) {
    o.size = sizeof o;
    if (o.name) o.name = texts_.emplace_back(o.name).c_str();
    if (o.text) o.text = texts_.emplace_back(o.text).c_str();
    if (o.list) o.list = lists_.emplace_back(o.list, o.list + o.count).data();
    if (o.layer) layers_.push_back(Layer::borrowed(o.layer));
    return o;
  }

  std::vector<tempo_attribute> attributes_;
  std::deque<std::string> texts_;
  std::deque<std::vector<int64_t>> lists_;
  std::vector<Layer> layers_;
};

/// A layer of this type, made with these options.
inline Layer make_layer(const tempo_layer_type& type, const OptionList& options) {
  tempo_layer* out = nullptr;
  check(host().make_layer_of(&type, options.all().data(),
                             static_cast<uint32_t>(options.all().size()), &out));
  return Layer(out);
}

}  // namespace sdk

/// A layer of the same kind and options, with its own weights; `changes` override options.
inline Layer recreated(const Layer& original, std::initializer_list<Option> changes = {}) {
  const tempo_layer_view v = original.view();
  sdk::OptionList options;
  for (tempo_attribute o : sdk::Strided(v.options, v.n_options)) {
    Layer inner;
    if (o.kind == TEMPO_LAYER_VALUE && o.layer) inner = recreated(Layer::borrowed(o.layer));
    o.layer = inner.handle();
    options.add(o);
  }
  for (const Option& change : changes) options.set(change.abi());
  return sdk::make_layer(*v.type, options);
}

}  // namespace tempo
