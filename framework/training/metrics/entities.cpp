// SPDX-License-Identifier: Apache-2.0
// Entities in tags, by the rules of seqeval (Nakayama, 2018) and CoNLL's evaluation.
#include <unistd.h>

#include <algorithm>
#include <map>

#include <tempo/entities.hpp>
#include <tempo/error.hpp>

#include "tensor/environment.hpp"
#include "training/metrics/score_report.hpp"

namespace tempo {

namespace {

using Tags = std::vector<std::string>;

struct Tag {
  char part = 'O';  // of an entity: B, I, E (its end), S (a single tag); O: outside of any
  std::string type = {};
};

Tag tag_of(const std::string& text, std::size_t place, bool strict) {
  const std::string parts = strict ? "BI" : "BIES";
  if (text == "O") return {};
  if (text.empty() || parts.find(text[0]) == parts.npos || (text.size() > 1 && text[1] != '-') ||
      text.size() == 2)
    throw Error("entities: tag " + std::to_string(place) + " is \"" + text + "\"; tags are O, " +
                (strict ? "B-TYPE and I-TYPE" : "B-TYPE and I-TYPE, or E-TYPE and S-TYPE") + ".");
  return {text[0], text.size() == 1 ? "_" : text.substr(2)};
}

bool ends(const Tag& before, const Tag& tag) {
  if (before.part == 'O') return false;
  const bool was_last = before.part == 'E' || before.part == 'S';
  const bool goes_on = (tag.part == 'I' || tag.part == 'E') && tag.type == before.type;
  return was_last || !goes_on;
}

bool begins(const Tag& before, const Tag& tag) {
  if (tag.part == 'O') return false;
  return tag.part == 'B' || tag.part == 'S' || before.part == 'O' || ends(before, tag);
}

std::vector<Entity> lenient(const std::vector<Tag>& tags) {
  std::vector<Entity> out;
  Tag before;
  for (std::size_t i = 0; i < tags.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    if (begins(before, tags[i])) out.push_back({tags[i].type, at, at});
    if (tags[i].part != 'O') out.back().end = at + 1;
    before = tags[i];
  }
  return out;
}

// An entity is a B and the tags I of the same type that follow it.
std::vector<Entity> strict_ones(const std::vector<Tag>& tags) {
  std::vector<Entity> out;
  for (std::size_t i = 0; i < tags.size(); ++i) {
    if (tags[i].part != 'B') continue;
    std::size_t end = i + 1;
    while (end < tags.size() && tags[end].part == 'I' && tags[end].type == tags[i].type) ++end;
    out.push_back({tags[i].type, static_cast<int64_t>(i), static_cast<int64_t>(end)});
  }
  return out;
}

std::string colour(const std::string& type) {
  unsigned sum = 0;
  for (const char c : type) sum = sum * 31 + static_cast<unsigned char>(c);
  return "\x1b[1;3" + std::to_string(1 + sum % 6) + "m";  // red to cyan, bold
}

}  // namespace

std::vector<Entity> entities(const Tags& tags, const EntityOptions& options) {
  std::vector<Tag> read;
  for (std::size_t i = 0; i < tags.size(); ++i) read.push_back(tag_of(tags[i], i, options.strict));
  return options.strict ? strict_ones(read) : lenient(read);
}

ScoreReport entity_report(const std::vector<Tags>& y_true, const std::vector<Tags>& y_pred,
                          const EntityOptions& options) {
  if (y_true.size() != y_pred.size())
    throw Error("entity_report: y_true has " + std::to_string(y_true.size()) +
                " sequences of tags, y_pred " + std::to_string(y_pred.size()) + ".");
  std::map<std::string, Decisions> by_type;
  for (std::size_t i = 0; i < y_true.size(); ++i) {
    if (y_true[i].size() != y_pred[i].size())
      throw Error("entity_report: sequence " + std::to_string(i) + " has " +
                  std::to_string(y_true[i].size()) + " tags in y_true, " +
                  std::to_string(y_pred[i].size()) + " in y_pred.");
    const std::vector<Entity> there = entities(y_true[i], options),
                              said = entities(y_pred[i], options);
    for (const Entity& e : there) ++by_type[e.type].there;
    auto at = there.begin();  // both are sorted by their beginnings, which all differ
    for (const Entity& e : said) {
      while (at != there.end() && at->begin < e.begin) ++at;
      Decisions& n = by_type[e.type];
      ++n.said;
      n.right += at != there.end() && *at == e;
    }
  }
  return report_of({by_type.begin(), by_type.end()}, "micro avg");
}

std::string mark_entities(const Tags& tokens, const Tags& tags, const MarkOptions& options) {
  if (tokens.size() != tags.size())
    throw Error("mark_entities: there are " + std::to_string(tokens.size()) + " tokens and " +
                std::to_string(tags.size()) + " tags; each token has one.");
  const bool colours = options.colours.value_or(isatty(STDOUT_FILENO) && !environment("NO_COLOR"));
  const std::vector<Entity> found = entities(tags);
  std::string out;
  auto next = found.begin();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0) out += options.separator;
    const auto at = static_cast<int64_t>(i);
    if (next != found.end() && at == next->begin) out += (colours ? colour(next->type) : "") + "[";
    out += tokens[i];
    if (next == found.end() || at + 1 != next->end) continue;
    out += ' ' + next->type + ']' + (colours ? "\x1b[0m" : "");
    ++next;
  }
  return out;
}

}  // namespace tempo
