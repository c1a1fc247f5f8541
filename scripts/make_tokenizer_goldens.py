#!/usr/bin/env python3
"""Writes tests/golden/tokenizers/*.jsonl: small tokenizers of each family and what the `tokenizers` library makes of hostile lines.

usage: make_tokenizer_goldens.py                          the committed files (48 lines a family)
       make_tokenizer_goldens.py --lines 20000 FOLDER     a large set; the test reads it when PGTRAIN_TOKENIZER_GOLDENS names the folder
       make_tokenizer_goldens.py --lines N FOLDER --file FILE --name NAME    the same for a tokenizer.json, or for a GGUF file by llama.cpp

Needs the Python packages tokenizers, regex, sentencepiece and transformers (for GGUF also gguf and llama_cpp); the versions are in each file. All texts are made here.

First line of a file: {"name", "versions", "tokenizer", "end": text of a token that ends completions}, where instead of "tokenizer" may stand
"sentencepiece" (a model in base64, the ids are those of the sentencepiece package) or "gguf" (a vocabulary); then one line a text:
  t  the text                      e  ids where special tokens are ordinary text (encode_special_tokens = True)
  s  ids with special tokens       f  ids with special tokens and post-processor, when that is another list
  d  decode of s, es of e          r, rd  random ids and their decode (skip_special_tokens = True in all)
"""
import argparse, base64, io, json, pathlib, random, struct, tempfile, unicodedata

import regex
import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).resolve().parent
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
         r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
         r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")

SENTENCES = """The river was high that morning, and the ferryman wouldn't cross it for less than 12 coins.
She'd counted 1,048,576 grains of rice; he'd counted none, and they're both still hungry!
def add(self, other_value): return self.total + other_value  # keeps 3.14159 exact?
for (int i = 0; i < n; ++i) { sum += values[i]; }\tif (!ok) throw std::runtime_error("no");
Why don't we'll-see people read what we've written, I'm asking (again and again)?
Das Mädchen größer als früher; naïve café, señor, jalapeño, Ærø, Łódź, İstanbul, ﬁne ﬂow.
Река была высокой в то утро, и паромщик не хотел переправляться меньше чем за двенадцать монет.
Η θάλασσα ήταν ήρεμη και ο ουρανός καθαρός, ΣΟΦΟΣ και σοφός.
那天早上河水很高，船夫不肯为少于十二枚硬币的价钱渡河。
その朝は川の水が高く、カタカナとひらがなと漢字を渡し守が読んだ。
그날 아침 강물이 높아서 뱃사공은 동전 열두 개 아래로는 건너지 않았다.
كان النهر عاليًا في ذلك الصباح، ولم يعبر به صاحب القارب.
הנהר היה גבוה באותו בוקר, והמעבוראי לא חצה אותו.
उस सुबह नदी ऊँची थी और नाविक पार नहीं करता था।
เช้าวันนั้นแม่น้ำสูงและคนแจวเรือไม่ยอมข้าม
Xin chào, buổi sáng hôm đó nước sông rất cao và người lái đò không qua.
👍🏽 👨‍👩‍👧‍👦 🏳️‍🌈 🇩🇪🇯🇵 ☃️ ✊🏿 ❤️‍🔥 1️⃣ ٣٤٥ Ⅷ ½ ² 五 𝟘𝟙 ㊿
1 + 1 = 2, 10 - 7 = 3, 99 * 12 = 1188, x**2 + y**2 == z**2, 50% of $200 is $100.""".split("\n")

SPACES = [" ", "  ", "    ", "\t", "\n", "\r\n", "\r", "\n\n\n", " \n", "\n ", "\u00a0", "\u3000", "\u2028", "\x0b", "\x0c", "\x85", "\u1680", "\u200b", "\u2003"]
MARKS = ["\u0301", "\u0300\u0323", "\u0327\u0301", "\u20dd", "\u200d", "\ufe0f", "\u093c", "\u064b", "\u1160", "\u11a8", "\u0e48"]
ODD = ["\x00", "\x01", "\x1f", "\x7f", "\x9f", "\u00ad", "\ufeff", "\ufffd", "\ufffe", "\u2581", "\u2581\u2581", "\u202e", "\u0130", "\u017f", "\u212b", "\u1e9e", "\u0345",
       "\ufb03", "\u2126", "\uac00", "\u1100\u1161\u11a8", "\U0001d400", "\U0010ffff", "\ue000", "\u0344", "\u0958", "\u2adc", "\U0001f468\u200d\U0001f469", "'S", "'\u017f", "'LL", "'Re",
       "\u2019s", "<0x0A>", "<0xE2>", "<unk>", "<s>", "</w>", "\u0120", "\u010a", "##", "_", "__"]


def corpus():
    rng = random.Random(5)
    words = [w for s in SENTENCES for w in s.split()]
    return SENTENCES * 3 + [" ".join(rng.choice(words) for _ in range(12)) for _ in range(400)]


def random_character(rng):
    while True:
        limit = rng.choice([0x80, 0x250, 0x800, 0x3000, 0x10000, 0x20000, 0x110000])
        c = chr(rng.randrange(limit))
        # What Unicode 15.1 and later have assigned is another class to the library than to an older ICU.
        is_young = unicodedata.category(c) == "Cn" and not regex.match(r"\p{Cn}", c)
        if unicodedata.category(c) != "Cs" and not is_young:
            return c


def line(rng, added):
    words = [w for s in SENTENCES for w in s.split(" ")]
    kind = rng.randrange(12)
    if kind == 0:
        text = rng.choice(SENTENCES)
    elif kind == 1:
        text = "".join(random_character(rng) for _ in range(rng.randrange(30)))
    elif kind == 2:
        unit = rng.choice(["a", " ", "\n", "1", "é", "日", "!", "👍", "ab", "x\u0301", " \n", "0 "])
        text = unit * rng.choice([1, 2, 3, 5, 17, 64, 257])
    elif kind == 3:
        text = "".join(str(rng.randrange(10 ** rng.randrange(1, 12))) + rng.choice([" ", ",", ".", "x", "٣", "½", ""]) for _ in range(rng.randrange(1, 6)))
    else:
        parts = []
        for _ in range(rng.randrange(1, 14)):
            part = rng.choice([words, words, words, SPACES, SPACES, MARKS, ODD, added or [""], [random_character(rng)]])
            parts.append(rng.choice(part))
            if rng.random() < 0.5:
                parts.append(rng.choice([" ", " ", " ", "", "'s", ", "]))
        text = "".join(parts)
    if rng.random() < 0.1:
        text = rng.choice(SPACES) + text
    if rng.random() < 0.1:
        text += rng.choice(SPACES)
    if rng.random() < 0.05:
        text = rng.choice([text.upper(), text[::-1], text.title()])
    return text.encode("utf-8", "ignore").decode()


def byte_level(vocab_size, pre_tokenizer, normalizer=None, special=("<|endoftext|>",)):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizer
    if normalizer:
        t.normalizer = normalizer
    t.decoder = decoders.ByteLevel()
    t.train_from_iterator(corpus(), trainers.BpeTrainer(vocab_size=vocab_size, special_tokens=list(special), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    return t


def split_bytes(pattern):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def edited(tokenizer, change):
    data = json.loads(tokenizer.to_str())
    change(data)
    return Tokenizer.from_str(json.dumps(data))


def gpt2():
    t = byte_level(420, pre_tokenizers.ByteLevel(add_prefix_space=False))
    t.post_processor = processors.ByteLevel(trim_offsets=False)
    return t, "<|endoftext|>"


def gpt2_prefix():
    t = byte_level(380, pre_tokenizers.ByteLevel(add_prefix_space=True), normalizers.NFKC(), ("<pad>", "<s>", "</s>"))
    t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 1))
    t.add_tokens([AddedToken(" twice", normalized=True), AddedToken("ﬁne", normalized=True), "river"])
    return t, "</s>"


def llama3():
    t = byte_level(420, split_bytes(LLAMA3), None, ())
    t.add_special_tokens(["<|begin|>", "<|end|>", AddedToken("<|left|>", lstrip=True), AddedToken("<|right|>", rstrip=True), AddedToken("<|both|>", lstrip=True, rstrip=True)])
    t.add_tokens([AddedToken("word", single_word=True, normalized=False), AddedToken("<|end|>>", normalized=False), AddedToken("  ", normalized=False, lstrip=True)])
    t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing("<|begin|> $A", "<|begin|> $A <|begin|> $B", [("<|begin|>", t.token_to_id("<|begin|>"))])])

    def change(data):
        data["model"]["ignore_merges"] = True
        data["model"]["merges"] = [" ".join(m) for m in data["model"]["merges"]]
        del data["model"]["merges"][40::7]  # whole words that no merge makes: ignore_merges matters
    return edited(t, change), "<|end|>"


def qwen():
    t = byte_level(420, split_bytes(QWEN2), normalizers.NFC(), ())
    t.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    t.add_tokens([AddedToken(x, normalized=False) for x in ["<think>", "</think>", "<tool_call>"]])
    return t, "<|im_end|>"


def smollm():
    t = byte_level(400, pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]), None, ("<|endoftext|>", "<|im_start|>", "<|im_end|>"))
    return t, "<|im_end|>"


def o200k():
    t = byte_level(400, split_bytes(O200K))
    return t, "<|endoftext|>"


def sentencepiece_model(kind, vocab_size, **options):
    import sentencepiece
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(corpus()), model_writer=model, model_type=kind, vocab_size=vocab_size, minloglevel=2, **options)
    return model.getvalue()


def fields(message):
    """(field number, value) of a protocol buffer message: numbers, floats (wire type 5) and bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while at < len(message):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        elif key & 7 == 5:
            yield key >> 3, struct.unpack("<f", message[at:at + 4])[0]
            at += 4
        else:
            size = varint()
            yield key >> 3, message[at:at + size]
            at += size


def converted(model):
    """(charsmap, pieces with scores, vocabulary, merges by score) of a SentencePiece model."""
    from transformers.convert_slow_tokenizer import generate_merges
    pieces, charsmap = [], b""
    for number, value in fields(model):
        if number == 1:
            piece = dict(fields(value))
            pieces.append((piece[1].decode(), piece.get(2, 0.0)))
        elif number == 3:
            charsmap = dict(fields(value)).get(2, b"")
    vocab = {piece: i for i, (piece, _) in enumerate(pieces)}
    return charsmap, pieces, vocab, generate_merges(vocab, pieces)


def byte_fallback_decoder(strip):
    return decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()] + ([decoders.Strip(" ", 1, 0)] if strip else []))


def spm_bpe_model():
    return sentencepiece_model("bpe", 700, byte_fallback=True, character_coverage=0.98, normalization_rule_name="identity", remove_extra_whitespaces=False)


def llama2():
    _, _, vocab, merges = converted(spm_bpe_model())
    t = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    t.decoder = byte_fallback_decoder(True)
    t.add_special_tokens([AddedToken(x, normalized=False) for x in ["<unk>", "<s>", "</s>"]])
    t.add_tokens([AddedToken("river", normalized=False), AddedToken("coins", normalized=True)])
    t.post_processor = processors.TemplateProcessing("<s> $A", None, [("<s>", 1)])
    return t, "</s>"


def metaspace_first():
    _, _, vocab, merges = converted(spm_bpe_model())
    t = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.pre_tokenizer = pre_tokenizers.Metaspace("▁", prepend_scheme="first", split=False)
    t.normalizer = normalizers.Strip(left=True, right=False)
    t.decoder = byte_fallback_decoder(True)
    t.add_special_tokens([AddedToken(x, normalized=False) for x in ["<unk>", "<s>", "</s>"]])
    t.post_processor = processors.TemplateProcessing("<s> $A </s>", None, [("<s>", 1), ("</s>", 2)])
    return t, "</s>"


def metaspace_bpe():
    t = Tokenizer(models.BPE(unk_token="<unk>"))
    t.pre_tokenizer = pre_tokenizers.Metaspace("▁", prepend_scheme="always", split=True)
    t.decoder = decoders.Metaspace("▁", prepend_scheme="always")
    t.train_from_iterator(corpus(), trainers.BpeTrainer(vocab_size=500, special_tokens=["<unk>", "<s>"], limit_alphabet=150, show_progress=False))
    t.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=True)])
    return t, "<s>"


def metaspace_never():
    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    t.pre_tokenizer = pre_tokenizers.Metaspace("▁", prepend_scheme="never", split=True)
    t.decoder = decoders.Metaspace("▁", prepend_scheme="never")
    t.train_from_iterator(corpus(), trainers.BpeTrainer(vocab_size=450, special_tokens=["<unk>", "<s>"], limit_alphabet=120, show_progress=False))
    return t, "<s>"


def small_rules(folder):
    """A small part of NFKC with other odd rules, in SentencePiece's form: code points, tab, code points."""
    def codes(text):
        return " ".join(f"{ord(c):X}" for c in text)
    rules = {unicodedata.normalize("NFD", c): c for c in "éèêëàâäöüñçåÅÉÜảậ"} | {c: unicodedata.normalize("NFKC", c) for c in "ﬁﬂﬃ①②㊿½²Ⅷ！？，　ＡＢＣａｂｃ\u00a0\u2003"}
    rules |= {"\t": " ", "\n": " ", "\r": " ", "\u200b": "", "\x01": "", "\u3000": " ", "か\u3099": "が", "x\u0301y": "xy", "🇩🇪": "DE", "\u0345": "\u03b9"}
    path = pathlib.Path(folder) / "rules.tsv"
    path.write_text("".join(f"{codes(a)}\t{codes(b)}\n" for a, b in sorted(rules.items())), encoding="utf-8")
    return str(path)


def t5_nfkc():
    return t5(normalization_rule_name="nmt_nfkc")


def t5(**normalization):
    with tempfile.TemporaryDirectory() as folder:
        normalization = normalization or {"normalization_rule_tsv": small_rules(folder)}
        model = sentencepiece_model("unigram", 600, **normalization, character_coverage=0.98, hard_vocab_limit=False, pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    charsmap, pieces, _, _ = converted(model)
    t = Tokenizer(models.Unigram(pieces, 2, False))
    t.normalizer = normalizers.Sequence([normalizers.Precompiled(charsmap), normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(" {2,}"), "▁")])
    t.pre_tokenizer = pre_tokenizers.Metaspace("▁", prepend_scheme="always")
    t.decoder = decoders.Metaspace("▁", prepend_scheme="always")
    t.add_special_tokens([AddedToken(x, normalized=False) for x in ["<pad>", "</s>", "<unk>"]])
    t.post_processor = processors.TemplateProcessing("$A </s>", None, [("</s>", 1)])
    return t, "</s>"


def unigram_bytes():
    _, pieces, _, _ = converted(sentencepiece_model("unigram", 700, byte_fallback=True, character_coverage=0.98, normalization_rule_name="identity", hard_vocab_limit=False))
    t = Tokenizer(models.Unigram(pieces, 0, True))
    t.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKD(), normalizers.Replace(" ", "▁")])
    t.decoder = byte_fallback_decoder(False)
    t.add_special_tokens([AddedToken(x, normalized=False) for x in ["<unk>", "<s>", "</s>"]])
    return t, "</s>"


def word_level():
    t = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    t.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase(), normalizers.StripAccents()])
    t.pre_tokenizer = pre_tokenizers.Whitespace()
    t.train_from_iterator(corpus(), trainers.WordLevelTrainer(vocab_size=300, special_tokens=["[UNK]", "[CLS]", "[SEP]"], show_progress=False))
    t.add_tokens([AddedToken("RIVER bank", normalized=True), AddedToken("café", normalized=True)])
    t.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    return t, "[SEP]"


def word_suffix():
    t = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    t.normalizer = normalizers.BertNormalizer()
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.decoder = decoders.BPEDecoder("</w>")
    t.train_from_iterator(corpus(), trainers.BpeTrainer(vocab_size=450, special_tokens=["<unk>", "<s>"], limit_alphabet=150, end_of_word_suffix="</w>", show_progress=False))
    return t, "<s>"


def subword_prefix():
    t = Tokenizer(models.BPE(unk_token="<unk>", continuing_subword_prefix="##"))
    t.normalizer = normalizers.Sequence([normalizers.Strip(), normalizers.Replace(Regex("[0-9]+"), "0"), normalizers.Replace("--", "")])
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("merged_with_previous"), pre_tokenizers.Split(Regex("[aeiou]+"), "merged_with_next"), pre_tokenizers.Digits(False)])
    t.decoder = decoders.Sequence([decoders.Replace(Regex("^##"), ""), decoders.Strip("e", 0, 1)])
    t.train_from_iterator(corpus(), trainers.BpeTrainer(vocab_size=450, special_tokens=["<unk>", "<s>"], limit_alphabet=150, continuing_subword_prefix="##", show_progress=False))
    return t, "<s>"


def splits():
    t = byte_level(330, pre_tokenizers.ByteLevel(add_prefix_space=False))
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split("e", "removed"), pre_tokenizers.Split(Regex(r"^\w+"), "isolated", invert=True), pre_tokenizers.Split(Regex(r"\d{2}"), "contiguous"),
        pre_tokenizers.CharDelimiterSplit("x"), pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.Split(Regex(r"[\s&&[^\n]]+$|(?<=a)b*"), "merged_with_next"), pre_tokenizers.Metaspace("\u00a0", "first"),
        pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=False)])
    return t, "<|endoftext|>"


FAMILIES = [gpt2, gpt2_prefix, llama3, qwen, smollm, o200k, llama2, metaspace_first, metaspace_bpe, metaspace_never, t5, unigram_bytes, word_level, word_suffix, subword_prefix, splits]
LARGE_FAMILIES = [t5_nfkc]  # not committed: its map of characters has 240 kB


def without_special_pieces(tokenizer):
    """The tokenizer, but no text becomes a special token by way of the model's vocabulary: Unigram finds them there even with encode_special_tokens."""
    data = json.loads(tokenizer.to_str())
    model = data["model"]
    special = {t["content"]: f"\U0010fff0{t['id']}\U0010fff0" for t in data["added_tokens"] if t["special"]}
    if model["type"] == "Unigram":
        model["vocab"] = [[special.get(piece, piece), score] for piece, score in model["vocab"]]
    else:
        model["vocab"] = {special.get(piece, piece): i for piece, i in model["vocab"].items()}
        model["unk_token"] = special.get(model["unk_token"], model["unk_token"])
    if model["vocab"] == json.loads(tokenizer.to_str())["model"]["vocab"]:
        return tokenizer
    data["added_tokens"].sort(key=lambda t: (t["special"], t["id"]))
    data["post_processor"] = None
    return Tokenizer.from_str(json.dumps(data))


def rows(tokenizer, count, seed):
    rng = random.Random(seed)
    plain_tokenizer = without_special_pieces(tokenizer)
    added = [t.content for t in tokenizer.get_added_tokens_decoder().values()]
    size = max(tokenizer.get_vocab().values()) + 2
    for i in range(count):
        text = line(rng, added)
        try:
            plain_tokenizer.encode_special_tokens = True
            plain = plain_tokenizer.encode(text, add_special_tokens=False).ids
            tokenizer.encode_special_tokens = False
            special = tokenizer.encode(text, add_special_tokens=False).ids
            framed = tokenizer.encode(text, add_special_tokens=True).ids
        except BaseException as error:  # the library panics on some texts
            if isinstance(error, KeyboardInterrupt):
                raise
            print("library failed:", ascii(text)[:200], error)
            continue
        row = {"t": text, "e": plain, "s": special}
        if framed != special:
            row["f"] = framed
        row["d"] = tokenizer.decode(special)
        if i % 4 == 0:
            row["r"] = [rng.randrange(size) for _ in range(rng.randrange(1, 12))]
            row["rd"] = tokenizer.decode(row["r"])
        yield row


def write(path, end, content, lines):
    import sentencepiece, transformers
    versions = {"tokenizers": tokenizers.__version__, "sentencepiece": sentencepiece.__version__, "transformers": transformers.__version__}
    with path.open("w", encoding="utf-8") as out:
        for row in [{"name": path.stem, "versions": versions, "end": end, **content}, *lines]:
            out.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")


def spm_bpe(folder):
    return spm_bpe_model()


def spm_bpe_strict(folder):
    return sentencepiece_model("bpe", 450, character_coverage=0.98, normalization_rule_tsv=small_rules(folder), user_defined_symbols="<sep>")


def spm_unigram(folder):
    return sentencepiece_model("unigram", 600, byte_fallback=True, character_coverage=0.98, normalization_rule_tsv=small_rules(folder), hard_vocab_limit=False, pad_id=3)


def spm_unigram_spaces(folder):
    return sentencepiece_model("unigram", 450, character_coverage=0.98, normalization_rule_name="identity", remove_extra_whitespaces=False, hard_vocab_limit=False, split_by_whitespace=False, add_dummy_prefix=False)


SPM_FAMILIES = [spm_bpe, spm_bpe_strict, spm_unigram, spm_unigram_spaces]


def spm_rows(model, count, seed):
    """Left out is what tokenizer.json cannot say: texts that spell pieces of bytes or the mark of spaces, symbols at the beginning or beside spaces,
    rules for clusters of six bytes or more, marks on characters with a rule."""
    import sentencepiece
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    rng = random.Random(seed)
    unknown = processor.unk_id()
    for _ in range(count):
        text = line(rng, ["<sep>"] if processor.piece_to_id("<sep>") != unknown else [])
        if any(odd in text for odd in ["\0", "<0x", "▁", "🇩🇪", "\u200d", "\u0345", "\u200b<sep>", "\x01<sep>"]) or (regex.search(r"\s<sep>|<sep>\s\s|<sep>$|<sep><sep>|^<sep>|[^\p{L}]\p{M}|\p{M}\p{M}", text)):
            continue
        row = {"t": text, "e": processor.encode(text)}
        if unknown not in row["e"]:
            row["es"] = processor.decode(row["e"])
        yield row


def gguf_vocabulary(path):
    """What the package gguf reads from a file, as GgufVocabulary has it."""
    import gguf
    found = {}
    for key, field in gguf.GGUFReader(path).fields.items():
        if key.startswith("tokenizer."):
            found[key.rsplit(".", 1)[1]] = field.contents()
    names = {"model": "model", "pre": "pre", "tokens": "tokens", "scores": "scores", "token_type": "types", "merges": "merges", "bos_token_id": "bos", "eos_token_id": "eos",
             "unknown_token_id": "unk", "padding_token_id": "pad", "add_bos_token": "add_bos", "add_eos_token": "add_eos", "add_space_prefix": "add_space_prefix"}
    return {names[key]: value for key, value in found.items() if key in names}


def gguf_rows(path, count, seed):
    """Ids by llama.cpp."""
    import llama_cpp
    model = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
    rng = random.Random(seed)
    added = [v for v in ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<s>", "</s>"]]
    for _ in range(count):
        text = line(rng, added)
        yield {"t": text, "e": model.tokenize(text.encode(), add_bos=False, special=False), "s": model.tokenize(text.encode(), add_bos=False, special=True)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=48)
    parser.add_argument("folder", nargs="?", default=HERE.parent / "tests/golden/tokenizers", type=pathlib.Path)
    parser.add_argument("--file", type=pathlib.Path)
    parser.add_argument("--name")
    parser.add_argument("--end", default="</s>")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    def path_of(name):
        return arguments.folder / f"{name}.jsonl"
    if arguments.file and arguments.file.suffix == ".gguf":
        vocabulary = gguf_vocabulary(arguments.file)
        write(path_of(arguments.name), vocabulary["tokens"][vocabulary["eos"]], {"gguf": vocabulary}, gguf_rows(arguments.file, arguments.lines, 1))
        return
    if arguments.file:
        tokenizer = Tokenizer.from_file(str(arguments.file))
        write(path_of(arguments.name), arguments.end, {"tokenizer": json.loads(tokenizer.to_str())}, rows(tokenizer, arguments.lines, 1))
        return
    for seed, family in enumerate(SPM_FAMILIES):
        if arguments.name and family.__name__ != arguments.name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            model = family(folder)
        write(path_of(family.__name__), "</s>", {"sentencepiece": base64.b64encode(model).decode()}, spm_rows(model, arguments.lines, 300 + seed))
    for seed, family in enumerate(FAMILIES + (LARGE_FAMILIES if arguments.lines > 1000 else [])):
        if arguments.name and family.__name__ != arguments.name:
            continue
        tokenizer, end = family()
        write(path_of(family.__name__), end, {"tokenizer": json.loads(tokenizer.to_str())}, rows(tokenizer, arguments.lines, 100 + seed))


if __name__ == "__main__":
    main()
