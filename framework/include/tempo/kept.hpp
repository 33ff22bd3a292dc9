// SPDX-License-Identifier: Apache-2.0
// Values that a layer or cell keeps besides its weights, saved in model files and restored; and
// options of earlier versions, converted.
#pragma once

#include <tempo/option_list.hpp>
#include <tempo/shared.hpp>

namespace tempo TEMPO_HIDDEN {

/// Values that a layer keeps from call to call, by name. A model file stores and restores them.
///
///     void keep_state(Kept& keep) { keep("calls", calls_); }
///
/// One function does both. A value that a file does not have stays as it is.
class Kept {
 public:
  /// For saving.
  explicit Kept(tempo_saving* to) : to_(to), from_(nullptr, 0) {}
  /// For restoring.
  explicit Kept(const tempo_saved& from)
      : version_(from.version), from_(from.values, from.n_values) {}

  /// Whether values are restored; version() is then the `version` of the class in the file.
  bool is_put_back() const { return !to_; }
  uint32_t version() const { return version_; }

  void operator()(const char* name, int64_t& number) {
    if (to_) return save(sdk::Attribute(name, number).abi());
    if (const tempo_attribute* its = saved(name, TEMPO_INT64_VALUE)) number = its->integer;
  }
  void operator()(const char* name, Counter& counter) {
    auto count = static_cast<int64_t>(counter.count());
    (*this)(name, count);
    if (is_put_back()) counter.set(static_cast<uint64_t>(count));
  }
  /// Tensor{} is not saved.
  void operator()(const char* name, Tensor& tensor) {
    if (!to_) {
      if (const tempo_attribute* its = saved(name, TEMPO_TENSOR_VALUE))
        tensor = Tensor::borrowed(its->tensor);
      return;
    }
    if (!tensor) return;
    tempo_attribute value{};
    value.size = sizeof value;
    value.kind = TEMPO_TENSOR_VALUE;
    value.name = name;
    value.tensor = tensor.handle();
    save(value);
  }

 private:
  void save(const tempo_attribute& value) { sdk::check(sdk::host().save_value(to_, &value)); }
  const tempo_attribute* saved(const char* name, uint32_t kind) const {
    const tempo_attribute* const its = sdk::given(from_, name);
    if (its && its->kind != kind)
      throw Error(std::string("what it kept as `") + name + "` is " +
                  (kind == TEMPO_INT64_VALUE ? "no integer." : "no tensor."));
    return its;
  }

  tempo_saving* to_ = nullptr;
  uint32_t version_ = 0;
  sdk::Strided<tempo_attribute> from_;
};

/// Options as an earlier version of a class had them. A class whose options change raises its
/// version, and says what became of the earlier ones:
///
///     static constexpr int version = 2;
///     static void migrate(OldOptions& old) { old.rename("size", "units"); }
class OldOptions {
 public:
  explicit OldOptions(const tempo_saved& from) : version_(from.version) {
    for (const tempo_attribute& o : sdk::Strided(from.values, from.n_values)) all_.push_back(o);
  }
  uint32_t version() const { return version_; }
  /// Null if it was not given.
  const tempo_attribute* find(std::string_view name) const {
    for (const tempo_attribute& o : all_)
      if (name == o.name) return &o;
    return nullptr;
  }
  /// `to` must live as long as the process. Does nothing if there is no option called `from`.
  void rename(std::string_view from, const char* to) {
    for (tempo_attribute& o : all_)
      if (from == o.name) o.name = to;
  }
  void remove(std::string_view name) {
    std::erase_if(all_, [&](const tempo_attribute& o) { return name == o.name; });
  }
  /// Adds an option in place of the one of that name, if there is one.
  void set(const sdk::Attribute& option) {
    remove(option.abi().name);
    added_.add(option.abi());
    all_.push_back(added_.all().back());
  }
  void hand_over(tempo_saving* to) const {
    for (const tempo_attribute& o : all_) sdk::check(sdk::host().save_value(to, &o));
  }

 private:
  uint32_t version_;
  std::vector<tempo_attribute> all_;
  sdk::OptionList added_;
};

}  // namespace tempo
