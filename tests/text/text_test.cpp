// SPDX-License-Identifier: Apache-2.0
// Texts as tokens and ids, against Keras's TextVectorization; vocabularies in model files; files of
// tagged tokens.
#define BOOST_TEST_MODULE text
#include <tempo/tempo.hpp>

#include "files.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

using Ids = std::vector<int64_t>;

struct Learned {
  const char* what;
  std::vector<std::string> texts;
  VocabularyOptions options;
  Tokens expected;
};

const std::vector<Learned>& learned() {
  static const std::vector<Learned> all = {
      {"the most frequent words come first",
       {"the cat", "The cat!", "the dog"},
       {},
       {"", "[UNK]", "the", "cat", "dog"}},
      {"equally frequent ones from the last to the first",
       {"b a", "c"},
       {},
       {"", "[UNK]", "c", "b", "a"}},
      {"max_tokens counts padding and unknown", {"a a b"}, {.max_tokens = 3}, {"", "[UNK]", "a"}},
      {"rare ones are left out", {"a a b"}, {.min_count = 2}, {"", "[UNK]", "a"}},
      {"without padding", {"a a b"}, {.padding = false}, {"[UNK]", "a", "b"}},
      {"without unknown", {"a a b"}, {.unknown = false}, {"", "a", "b"}},
      {"without both", {"a a b"}, {.padding = false, .unknown = false}, {"a", "b"}},
      {"characters as they are",
       {"가나 가!", "A"},
       {.split = "character"},
       {"", "[UNK]", "가", "나", "A", "!", " "}},
      {"characters in small letters",
       {"Aa b!"},
       {.split = "character", .standardize = "lower_and_strip_punctuation"},
       {"", "[UNK]", "a", "b", " "}},
      {"words as they are", {"The cat!"}, {.standardize = "none"}, {"", "[UNK]", "cat!", "The"}},
      {"the word of unknown is no word", {"[UNK] a"}, {.standardize = "none"}, {"", "[UNK]", "a"}},
      {"nothing", {}, {}, {"", "[UNK]"}},
  };
  return all;
}

struct Standard {
  const char *how, *given, *expected;
};

const Standard standards[] = {
    {"lower_and_strip_punctuation", "Don't PANIC, it's 42% (ok)!", "dont panic its 42 ok"},
    {"lower", "Don't PANIC!", "don't panic!"},
    {"strip_punctuation", "A-b_c [d] {e} ~f`g^h|i\\j@k#l$m", "Abc d e fghijklm"},
    {"none", "A b!", "A b!"},
    {"lower", "ÄÉ가", "ÄÉ가"},
    {"strip_punctuation", "“가”, 나…", "“가” 나…"},
};

struct Refused {
  std::function<void()> fails;
  const char* text;
};

void check_refused(const std::vector<Refused>& refused) {
  for (const Refused& c : refused) BOOST_CHECK_EQUAL(error_of(c.fails), c.text);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_text_falls_into_characters_and_words) {
  BOOST_TEST((characters("a가é😀 \n") == Tokens{"a", "가", "é", "😀", " ", "\n"}));
  BOOST_TEST(characters("").empty());
  BOOST_TEST((characters(std::string_view("a\0b", 3)) == Tokens{"a", std::string(1, '\0'), "b"}));
  BOOST_TEST((words("  the\tcat \r\n sat\v\f") == Tokens{"the", "cat", "sat"}));
  BOOST_TEST(
      (words("가　나 다") == Tokens{"가　나", "다"}));  // an ideographic space is not in ASCII
  BOOST_TEST(words(" \n").empty());
}

BOOST_AUTO_TEST_CASE(texts_are_standardized_as_in_keras) {
  for (const Standard& c : standards) BOOST_CHECK_EQUAL(standardize(c.given, c.how), c.expected);
}

BOOST_AUTO_TEST_CASE(a_vocabulary_is_learned_as_in_keras) {
  for (const Learned& c : learned()) {
    const Vocabulary vocabulary(c.texts, c.options);
    BOOST_TEST(vocabulary.tokens() == c.expected, boost::test_tools::per_element());
    BOOST_TEST(vocabulary.size() == static_cast<int>(c.expected.size()), c.what);
  }
}

BOOST_AUTO_TEST_CASE(texts_become_ids_and_ids_texts) {
  const Vocabulary words({"the cat sat on the mat"});
  // These are equally frequent: sat, on, mat, cat.
  BOOST_TEST((words.encode("The CAT, the dog") == Ids{2, 6, 2, 1}));
  BOOST_TEST((words.encode({"sat", "on mat"}) == std::vector<Ids>{{3}, {4, 5}}));
  BOOST_TEST(
      (words.encode(std::vector<Tokens>{{"the", "The"}, {}}) == std::vector<Ids>{{2, 1}, {}}));
  BOOST_TEST(words.join(words.decode(Ids{0, 0, 2, 6, 1})) == "the cat [UNK]");
  BOOST_TEST((words.id("mat") == 5 && words.token(5) == "mat" && words.contains("mat")));
  BOOST_TEST((words.id("dog") == 1 && !words.contains("dog")));

  const Vocabulary letters({"가나"}, {.split = "character"});
  BOOST_TEST(letters.join(letters.decode(letters.encode("나가"))) == "나가");
  BOOST_TEST((letters.decode(tensor({{0, 2}, {3, 0}})) == std::vector<Tokens>{{"나"}, {"가"}}));

  const Vocabulary tags(std::vector<Tokens>{{"O", "B-PS", "O"}, {"O"}},
                        {.padding = false, .unknown = false});
  BOOST_TEST((tags.decode(tensor({{0, 1, 0}, {1, 0, 0}}), {3, 1}) ==
              std::vector<Tokens>{{"O", "B-PS", "O"}, {"B-PS"}}));
  BOOST_TEST((tags.decode(tensor({{0, 1}})) == std::vector<Tokens>{{"O", "B-PS"}}));
  BOOST_TEST((lengths_of(std::vector<Tokens>{{"a", "b"}, {}}) == Ids{2, 0}));

  const Vocabulary in_order = Vocabulary::of({"z", "a"}, {.unknown = false});
  BOOST_TEST((in_order.tokens() == Tokens{"", "z", "a"}));
  BOOST_TEST((Vocabulary().tokens() == Tokens{"", "[UNK]"}));
}

BOOST_AUTO_TEST_CASE(a_vocabulary_goes_with_its_model_into_one_file) {
  const Vocabulary letters({"a\n\"가\\", "a"}, {.split = "character"});
  const Vocabulary tags = Vocabulary::of({"O", "B-PS"}, {.padding = false, .unknown = false});
  set_seed(1);
  Sequential model({Embedding({.input_dim = 6, .output_dim = 3}), LSTM({.units = 2})});
  model.build({{-1, 4}}, int32);
  model.set_metadata("letters", letters.text());
  model.set_metadata("tags", tags.text());
  const std::string path = in_folder("m.safetensors");
  model.save(path);

  const Sequential loaded = load_model(path);
  const auto same = [](const Vocabulary& a, const Vocabulary& b) {
    return a.tokens() == b.tokens() && a.text() == b.text();
  };
  BOOST_TEST(same(Vocabulary::from_text(loaded.metadata("letters")), letters));
  BOOST_TEST(same(Vocabulary::from_text(loaded.metadata("tags")), tags));
  BOOST_TEST(loaded.metadata().size() == 2u);
  loaded.save(in_folder("again.safetensors"));
  BOOST_TEST((load_model(in_folder("again.safetensors")).metadata() == model.metadata()));

  Model from_function({LSTM({.units = 2})}, [](const Tensors& x) { return x[0]; });
  Sequential other({Embedding({.input_dim = 6, .output_dim = 3}), LSTM({.units = 2})});
  other.build({{-1, 4}}, int32);
  other.set_metadata("tags", "mine");
  other.set_metadata("more", "mine");
  other.load(path);  // the file takes precedence
  BOOST_TEST(other.metadata("tags") == tags.text());
  BOOST_TEST(other.metadata("more") == "mine");
  other.set_metadata("more", "");
  BOOST_TEST(other.metadata().size() == 2u);
  other.save_weights(in_folder("w.safetensors"));
  other.load_weights(in_folder("w.safetensors"));

  check_refused({
      {[&] { model.metadata("tag"); },
       "sequential: it has no metadata `tag`; did you mean `tags`?\n  There are letters, tags."},
      {[] { Sequential().metadata("tags"); },
       "sequential: it has no metadata `tags`, and none at all.\n  model.set_metadata(name, text) "
       "before model.save puts a text into the file."},
      {[&] { model.set_metadata("tempo", "x"); },
       "set_metadata: `tempo` is Tempo's own name in files; take another."},
      {[&] { model.set_metadata("format", "x"); },
       "set_metadata: `format` is Tempo's own name in files; take another."},
      {[&] { model.set_metadata("x", "\xff"); },
       "set_metadata: the text of `x`, \"\\xff\", is not UTF-8, which files hold."},
  });
}

BOOST_AUTO_TEST_CASE(a_damaged_vocabulary_is_refused) {
  const std::string start = "Vocabulary: its text is damaged: ";
  const std::string good =
      R"({"version":1,"split":"character","standardize":"none","padding":true,"unknown":true,)";
  const std::pair<std::string, std::string> damaged[] = {
      {"", "is not valid JSON: "},
      {"[]", "cannot use at() with array."},
      {R"({"version":2})", "it is of version 2; this Tempo reads version 1."},
      {R"({"version":1})", "key 'split' not found."},
      {good + R"("tokens":["a","a"]})", "Vocabulary: the token \"a\" is there twice."},
      {good + R"("tokens":["[UNK]"]})", "Vocabulary: the token \"[UNK]\" is there twice."},
      {good + R"("tokens":[1]})", "a token is not a text."},
      {good + R"("tokens":[["a"]]})", "nests deeper than the format does, 2 levels."},
      {good + R"("tokens":{}})", "tokens are not a list."},
      {R"({"version":1,"split":"word","standardize":"none","padding":true,"unknown":true,"tokens":[]})",
       "Vocabulary: it has no split `word`"},
      {R"({"version":1,"split":"character","standardize":"none","padding":1,"unknown":true,"tokens":[]})",
       "padding is neither true nor false."},
  };
  for (const auto& [text, why] : damaged) BOOST_TEST_CONTEXT(text) {
      const std::string got =
          error_of<FormatError>([&given = text] { Vocabulary::from_text(given); });
      BOOST_TEST(got.starts_with(start), got);
      check_error(got, why);
    }
  BOOST_TEST((Vocabulary::from_text(good + R"("tokens":["a"],"later":1})").tokens() ==
              Tokens{"", "[UNK]", "a"}));
}

BOOST_AUTO_TEST_CASE(files_of_tagged_tokens_are_read) {
  const std::string path =
      write("klue.tsv",
            "\xef\xbb\xbf## a head\n##\n\n## one <박:PS>\r\n박\tB-PS\r\n \tO\r\n#\tO\n"
            "\n\n## two\n서\tB-LC\n## within\n울\tI-LC");
  const TaggedTexts read = read_tagged(path, {.comment = "##"});
  BOOST_TEST((read.tokens == std::vector<Tokens>{{"박", " ", "#"}, {"서", "울"}}));
  BOOST_TEST((read.tags == std::vector<Tokens>{{"B-PS", "O", "O"}, {"B-LC", "I-LC"}}));
  const TaggedTexts second = read.slice(1, 2);
  BOOST_TEST((second.size() == 1 && second.tokens[0] == Tokens{"서", "울"} &&
              second.tags[0] == Tokens{"B-LC", "I-LC"}));
  BOOST_TEST(error_of([&] { read.slice(1, 3); }) ==
             "TaggedTexts: slice(1, 3) of 2 sequences, with tags for 2.");
  const TaggedTexts columns =
      read_tagged(write("conll.txt", "EU NNP B-NP B-ORG\n. . O O\n"), {.separator = ' '});
  BOOST_TEST((columns.tokens == std::vector<Tokens>{{"EU", "."}}));
  BOOST_TEST((columns.tags == std::vector<Tokens>{{"B-ORG", "O"}}));
  BOOST_TEST(read_tagged(write("empty.txt", "")).tokens.empty());
  BOOST_TEST(read_text(write("bom.txt", "\xef\xbb\xbf가\n")) == "가\n");
  std::filesystem::create_directories(in_folder("texts/b"));
  write("texts/c.txt", "third");
  write("texts/b/a.txt", "\xef\xbb\xbfsecond ");
  write("texts/a.txt", "first ");
  // Each text begins a line.
  BOOST_TEST(read_text(in_folder("texts")) == "first \nsecond \nthird");
  BOOST_TEST(read_text(in_folder("texts"), {.most = 9}) == "first \nse");
  std::filesystem::create_directories(in_folder("tagged"));
  write("tagged/a.tsv", "박\tB-PS");
  write("tagged/b.tsv", "씨\tO\n");
  write("tagged/c.tsv", "\xef\xbb\xbf서\tB-LC");
  const TaggedTexts folder = read_tagged(in_folder("tagged"));
  BOOST_TEST((folder.tokens == std::vector<Tokens>{{"박"}, {"씨"}, {"서"}}));
  BOOST_TEST((folder.tags == std::vector<Tokens>{{"B-PS"}, {"O"}, {"B-LC"}}));
  const std::string damaged = write("tagged/d.tsv", "가\tO\n나\n");
  check_error(error_of<FormatError>([&] { read_tagged(in_folder("tagged")); }),
              damaged + ": line 2: ");
  // Encodings in which a letter may join the next one.
  for (const char* encoding : {"cp1258", "cp1255", "big5-hkscs", "shift_jisx0213"})
    BOOST_TEST(read_text(write("abc.txt", "abc"), {.encoding = encoding}) == "abc", encoding);
  BOOST_TEST(read_text(write("two.txt", "가나"), {.most = 5}) == "가");
  BOOST_TEST(read_text(in_folder("two.txt"), {.most = 6}) == "가나");

  const std::string bad = write("bad.txt", "박\tB-PS\n씨 O\n"),
                    euc_kr = write("euc.txt", "\xb0\xa1\tO\n");
  check_error(error_of<FormatError>([&] { read_tagged(bad); }),
              bad +
                  ": line 2: \"씨 O\" is not a token and its tag with a tab between.\n  .separator "
                  "and .comment say how the file is written.");
  check_error(error_of<FormatError>([&] { read_tagged(euc_kr); }),
              euc_kr + ": line 1: its text is not UTF-8, but EUC-KR if it is Korean.");
  BOOST_TEST((read_tagged(euc_kr, {.encoding = "cp949"}).tokens == std::vector<Tokens>{{"가"}}));
  check_error(error_of<FormatError>([&] { read_text(in_folder("none")); }), in_folder("none"));
  const std::string long_name(5000, 'a');
  BOOST_TEST(error_of<FormatError>([&] { read_text(long_name); }) ==
             long_name + ": File name too long.");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_refused) {
  const Vocabulary closed = Vocabulary::of({"B-PS", "I-PS"}, {.padding = false, .unknown = false});
  check_refused({
      {[] {
         characters(
             "a\xff"
             "b");
       },
       "characters: byte 1 of \"a\\xffb\" begins no character of UTF-8.\n  read_text, "
       "read_tagged and read_table convert another .encoding."},
      {[] { standardize("a", "low"); },
       "standardize: it has no standardization `low`; did you mean `lower`?\n  There are "
       "lower_and_strip_punctuation, lower, strip_punctuation, none."},
      {[] { Vocabulary({"a"}, {.split = "characters"}); },
       "Vocabulary: it has no split `characters`; did you mean `character`?\n  There are "
       "whitespace, character."},
      {[] { Vocabulary({"a"}, {.min_count = 0}); },
       "Vocabulary: max_tokens is 0 and min_count 0; the first must be at least 0 (which is no "
       "limit), the second at least 1."},
      {[] { Vocabulary({"a"}, {.max_tokens = 2}); },
       "Vocabulary: max_tokens is 2, of which 2 are the ids of padding and of unknown tokens, so "
       "that "
       "no token has one.\n  Give more, or 0 for any number."},
      {[&] { closed.id("B-PSS"); },
       "Vocabulary: \"B-PSS\" is not in it; did you mean `B-PS`?\n  With .unknown = true what is "
       "not in it has an id of its own."},
      {[&] { closed.token(2); }, "Vocabulary: there is no id 2; ids are 0 to 1."},
      {[&] { closed.token(-1); }, "Vocabulary: there is no id -1; ids are 0 to 1."},
      {[&] {
         closed.decode(zeros({1, 2}));
       },
       "Vocabulary: ids are [1, 2] float32; they must be int32 or int64 [batch, time].\n  Of "
       "scores [batch, time, classes], argmax(y) are the ids."},
      {[&] {
         closed.decode(zeros({2, 2}, int32), {1});
       },
       "Vocabulary: there are 1 lengths for ids [2, 2] int32; each row has one."},
      {[&] {
         closed.decode(zeros({1, 2}, int32), {3});
       },
       "Vocabulary: row 0 has the length 3 in ids of 2 steps."},
      {[] {
         Vocabulary::of({"a", "a"});
       },
       "Vocabulary: the token \"a\" is there twice."},
  });
}
