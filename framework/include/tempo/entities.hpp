// SPDX-License-Identifier: Apache-2.0
// Named entities in sequences of tags, "B-PS I-PS O": finds them, scores them, and marks them in a
// text.
#pragma once

#include <optional>

#include <tempo/scores.hpp>

namespace tempo TEMPO_HIDDEN {

/// An entity: the tokens [begin, end) of a sequence.
struct Entity {
  std::string type = {};
  int64_t begin = 0;
  int64_t end = 0;
  friend bool operator==(const Entity&, const Entity&) = default;
};

struct EntityOptions {
  /// Whether only B begins an entity. If not, an I that does not follow one of its type begins one,
  /// too, as in the default of seqeval and in CoNLL's evaluation.
  bool strict = false;
};

/// The entities of one sequence of tags: O, B-TYPE and I-TYPE, also E-TYPE (the last token) and
/// S-TYPE (the only one), unless strict. Throws Error for other tags.
TEMPO_API std::vector<Entity> entities(const std::vector<std::string>& tags,
                                       const EntityOptions& options = {});
TEMPO_OPTIONS(std::vector<Entity> entities, EntityOptions, const std::vector<std::string>&);

/// Scores by type, in the order of their names, as seqeval's classification_report: an entity is
/// found if its type, its first and its last token are right. One list of tags for each sequence.
TEMPO_API ScoreReport entity_report(const std::vector<std::vector<std::string>>& y_true,
                                    const std::vector<std::vector<std::string>>& y_pred,
                                    const EntityOptions& options = {});
TEMPO_OPTIONS(ScoreReport entity_report, EntityOptions,
              const std::vector<std::vector<std::string>>&,
              const std::vector<std::vector<std::string>>&);

struct MarkOptions {
  std::string separator = "";        ///< between tokens: " " if they are words
  std::optional<bool> colours = {};  ///< not given: on a terminal, unless NO_COLOR is set
};

/// The tokens as a text with each entity in brackets, "[Seoul LC] is ...", in colours by type.
TEMPO_API std::string mark_entities(const std::vector<std::string>& tokens,
                                    const std::vector<std::string>& tags,
                                    const MarkOptions& options = {});
TEMPO_OPTIONS(std::string mark_entities, MarkOptions, const std::vector<std::string>&,
              const std::vector<std::string>&);

}  // namespace tempo
