#!/usr/bin/env python3
"""Writes tests/golden/chat_templates.json: what transformers and jinja2 make of chat templates and of small random Jinja programs.

usage: make_chat_template_goldens.py [--programs N --seed S --lines]
Needs transformers (5.23.0), jinja2 (3.1.6) and trl (1.16.0, whose package holds the templates of Qwen). Without options it writes the
golden file. With --lines it prints N programs of seed S instead, one JSON object {"source", "variables", "output" or "error"} a line,
for a differential run that is too long to keep.

The templates, with provenance and licence in the file itself: those of Qwen, SmolLM2 and Zephyr are published under Apache-2.0 or MIT;
the others are written here after the published formats of Llama 2, Llama 3 and Mistral, with the constructs that their templates use."""
import argparse
import json
import pathlib
import random
import sys

import jinja2
import transformers
from transformers.utils.chat_template_utils import _compile_jinja_template

ROOT = pathlib.Path(__file__).resolve().parent.parent


def trl_template(name):
    import trl
    return (pathlib.Path(trl.__file__).parent / "chat_templates" / name).read_text(encoding="utf-8")


def templates():
    chatml = ("{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
              "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")
    smollm2 = ("{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
               "{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}"
               "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
               "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")
    zephyr = ("{% for message in messages %}\n{% if message['role'] == 'user' %}\n{{ '<|user|>\n' + message['content'] + eos_token }}\n"
              "{% elif message['role'] == 'system' %}\n{{ '<|system|>\n' + message['content'] + eos_token }}\n"
              "{% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\n'  + message['content'] + eos_token }}\n{% endif %}\n"
              "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}")
    llama2 = """{%- if messages and messages[0]['role'] == 'system' %}
    {%- set turns = messages[1:] %}
    {%- set system_message = messages[0]['content'] %}
{%- else %}
    {%- set turns = messages %}
    {%- set system_message = false %}
{%- endif %}
{%- for turn in turns %}
    {%- if (turn['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('Roles have to alternate: user, assistant, user...') }}
    {%- endif %}
    {%- set text = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + turn['content'] if loop.index0 == 0 and system_message else turn['content'] %}
    {%- if turn['role'] == 'user' %}
        {{- bos_token + '[INST] ' + text.strip() + ' [/INST]' }}
    {%- elif turn['role'] == 'assistant' %}
        {{- ' ' ~ text.strip() ~ ' ' ~ eos_token }}
    {%- endif %}
{%- endfor %}
"""
    llama3 = """{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not tools_in_user_message is defined %}
    {%- set tools_in_user_message = true %}
{%- endif %}
{%- if not date_string is defined %}
    {%- set date_string = "26 Jul 2024" %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}

{#- A first system message is taken out of the list. #}
{%- if messages and messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if builtin_tools is defined or tools is not none %}
    {{- "Environment: ipython\\n" }}
{%- endif %}
{%- if builtin_tools is defined %}
    {{- "Tools: " + builtin_tools | reject('equalto', 'code_interpreter') | join(", ") + "\\n\\n" }}
{%- endif %}
{{- "Today: " + date_string + "\\n\\n" }}
{%- if tools is not none and not tools_in_user_message %}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
{%- endif %}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- if tools_in_user_message and not tools is none %}
    {%- if messages | length != 0 %}
        {%- set first_user_message = messages[0]['content']|trim %}
        {%- set messages = messages[1:] %}
    {%- else %}
        {{- raise_exception("There is no first user message to put the tools into") }}
{%- endif %}
    {{- '<|start_header_id|>user<|end_header_id|>\\n\\n' -}}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
    {{- first_user_message + "<|eot_id|>"}}
{%- endif %}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("One tool call at a time") }}
        {%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}
        {{- '{"name": "' + tool_call.name + '", ' }}
        {%- for arg_name, arg_val in tool_call.arguments | items %}
            {{- arg_name + '="' ~ arg_val ~ '"' }}
            {%- if not loop.last %}
                {{- ", " }}
            {%- endif %}
        {%- endfor %}
        {{- '"parameters": ' }}
        {{- tool_call.arguments | tojson }}
        {{- "}<|eot_id|>" }}
    {%- elif message.role == "tool" or message.role == "ipython" %}
        {{- "<|start_header_id|>ipython<|end_header_id|>\\n\\n" }}
        {%- if message.content is mapping or message.content is iterable %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
        {{- "<|eot_id|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
"""
    mistral = """{%- if messages and messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}
{%- set ns = namespace(index=0) %}
{%- for message in loop_messages %}
    {%- if not (message.role == "tool" or (message.tool_calls is defined and message.tool_calls is not none)) %}
        {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
            {{- raise_exception("after the optional system message the roles must alternate") }}
        {%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if loop.last and system_message is defined %}
            {{- "[INST] " + system_message + "\\n\\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + message["content"] + "[/INST]" }}
        {%- endif %}
        {%- if message == user_messages[-1] %}{{- "" }}{%- endif %}
    {%- elif message["role"] == "tool_calls" or message.tool_calls is defined and message.tool_calls is not none %}
        {{- "[TOOL_CALLS] [" }}
        {%- for tool_call in message.tool_calls %}
            {%- set out = tool_call.function|tojson %}
            {{- out[:-1] }}
            {%- if not tool_call.id is defined or tool_call.id|length != 9 %}
                {{- raise_exception("Tool call ids have nine characters") }}
            {%- endif %}
            {{- ', "id": "' + tool_call.id + '"}' }}
            {{- ", " if not loop.last else "]" + eos_token }}
        {%- endfor %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"]|trim + eos_token}}
    {%- elif message["role"] == "tool_results" or message["role"] == "tool" %}
        {%- if message.content is defined and message.content.content is defined %}
            {%- set content = message.content.content %}
        {%- else %}
            {%- set content = message.content %}
        {%- endif %}
        {{- '[TOOL_RESULTS] {"content": ' + content|string + "}[/TOOL_RESULTS]" }}
    {%- else %}
        {{- raise_exception("Only user and assistant roles are supported, with the exception of an initial optional system message!") }}
    {%- endif %}
{%- endfor %}
"""
    generation = """{%- macro turn(role, text='') -%}
<|{{ role }}|>
{{ text }}
{%- endmacro -%}
{%- for message in messages if message.content is string %}
  {%- set body %}
{{ message.content | trim }}
  {%- endset %}
  {%- if message.role == 'assistant' %}
    {%- generation %}{{ turn(message.role, text=body) ~ eos_token }}{% endgeneration %}
  {%- elif message.content == '' %}
    {%- continue %}
  {%- else %}
    {{- turn(message['role'], body) }}
  {%- endif %}
{%- else %}nothing
{%- endfor %}
{{- '' if not add_generation_prompt else turn('assistant') }}
"""
    own = "own text"
    return {
        "chatml": (chatml, "ChatML as published with Qwen2", "Apache-2.0"),
        "smollm2": (smollm2, "HuggingFaceTB/SmolLM2-135M-Instruct", "Apache-2.0"),
        "zephyr": (zephyr, "HuggingFaceH4/zephyr-7b-beta; TinyLlama uses the same", "MIT"),
        "qwen2.5": (trl_template("qwen2_5.jinja"), "Qwen/Qwen2.5, from the package trl", "Apache-2.0"),
        "qwen3": (trl_template("qwen3.jinja"), "Qwen/Qwen3, from the package trl", "Apache-2.0"),
        "llama2": (llama2, own, "that of this repository"),
        "llama3": (llama3, own, "that of this repository"),
        "mistral": (mistral, own, "that of this repository"),
        "generation": (generation, own, "that of this repository"),
    }


def conversations():
    call = {"type": "function", "id": "abcdefghi", "function": {"name": "weather", "arguments": {"city": "Zürich", "days": [1, 2.5, None, True], "note": "a \"b\" <c> & 'd'"}}}
    return [
        [{"role": "user", "content": "Hi"}],
        [{"role": "system", "content": " Be kind. "}, {"role": "user", "content": "  Héllo 你好 😀\n"}],
        [{"role": "system", "content": "S"}, {"role": "user", "content": "a"}, {"role": "assistant", "content": "b "}, {"role": "user", "content": ""}],
        [{"role": "user", "content": "1\n\n2"}, {"role": "assistant", "content": "<think>\nhm\n</think>\n\n ok"}, {"role": "user", "content": "{{ 3 }}"}],
        [{"role": "user", "content": "x"}, {"role": "assistant", "content": "<think>\nlast\n</think>\n\nanswer"}],
        [{"role": "assistant", "content": "starts"}, {"role": "user", "content": "wrong"}],
        [{"role": "user", "content": "w?"}, {"role": "assistant", "content": "", "tool_calls": [call]}, {"role": "tool", "content": "{\"t\": 7}"},
         {"role": "assistant", "content": "seven"}],
        [],
    ]


TOOLS = [{"type": "function", "function": {"name": "weather", "description": "The \"weather\"", "parameters": {
    "type": "object", "properties": {"city": {"type": "string", "enum": ["Zürich", "Bern"]}, "days": {"type": "integer"}}, "required": ["city"]}}}]


def render(source, variables):
    try:
        return {"output": _compile_jinja_template(source).render(**variables)}
    except Exception as error:  # any failure of the template, of whatever kind
        return {"error": type(error).__name__}


def template_cases():
    cases = []
    for name, (source, _, _) in templates().items():
        for number, messages in enumerate(conversations()):
            for prompt in (False, True):
                for tools in ([None, TOOLS] if number in (0, 6) and prompt else [None]):
                    variables = {"messages": messages, "tools": tools, "documents": None, "add_generation_prompt": prompt,
                                 "bos_token": "<s>", "eos_token": "</s>"}
                    cases.append({"template": name, "conversation": number, "add_generation_prompt": prompt,
                                  "has_tools": tools is not None, **render(source, variables)})
    return cases


VARIABLES = {
    "s": "Hello, Wörld", "e": "", "w": "  pad\tded \n", "n": 7, "z": 0, "f": 2.5, "t": True, "no": None,
    "l": [3, 1, 2], "ls": ["b", "a", "", "C"], "d": {"k": "v", "a": 1, "nested": {"x": [1, {"y": "deep"}]}}, "empty": [],
    "messages": [{"role": "system", "content": "S "}, {"role": "user", "content": "Hi 你"}, {"role": "assistant", "content": ""}],
}


class Generator:
    """Small programs, typed so that most of them run; a few mix types on purpose. Integers stay small, since pgtrain has 64 bits."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.loops = 0
        self.names = {"int": ["n", "z"], "str": ["s", "e", "w"], "list": ["l", "ls", "empty", "messages"], "dict": ["d"]}

    def pick(self, *options):
        return self.r.choice(options)

    def any(self, depth):
        kind = self.pick("int", "str", "str", "bool", "list", "dict", "odd")
        return getattr(self, kind)(depth)

    def odd(self, depth):
        return self.pick("missing", "no", "none", "d.missing", "f", "1.5", "d['nope']", "l[9]", "(1, 'a')", "()", "messages[0].foo", "1e3", "-0.25", "s.nothing")

    def wrong(self):
        return self.r.random() < 0.03

    def int(self, depth):
        if self.wrong():
            return self.any(depth - 1) if depth > 0 else "none"
        if depth <= 0 or self.r.random() < 0.3:
            options = ["0", "1", "2", "-1", "5", "12"] + self.names["int"] + (["loop.index", "loop.index0", "loop.revindex", "loop.length"] if self.loops else [])
            return self.r.choice(options)
        i, s, l = (lambda: self.int(depth - 1)), (lambda: self.str(depth - 1)), (lambda: self.list(depth - 1))
        return self.pick(
            lambda: f"({i()} {self.pick('+', '-', '*', '//', '%')} {i()})", lambda: f"{i()} {self.pick('+', '-', '*')} {i()}",
            lambda: f"{s()}|length", lambda: f"({l()})|length", lambda: f"-{i()}", lambda: f"(({i()}) if {self.bool(depth - 1)} else {i()})",
            lambda: f"({i()})|abs", lambda: f"{s()}|int({i()})", lambda: f"{s()}.find({s()})", lambda: f"{s()}.count({self.text()})",
            lambda: f"({l()}).count({self.any(depth - 1)})", lambda: f"({i()}, {i()})|max", lambda: f"[{i()}, {i()}]|sum", lambda: f"2 ** ({i()} % 5)",
            lambda: f"d.get('a', {i()})", lambda: f"({i()})|default({i()})", lambda: f"({i()} / 4)", lambda: f"(f * {i()})|round(1)")()

    def text(self):
        return self.pick("'a'", "\"it's\"", "', '", "'é你'", "'\\n'", "'  x '", "'l'", "'Hello'", "\"\\u00e9\\t\"", "'a,b,,c'", "'<think>x</think>y'", "''", "'v' 'w'")

    def str(self, depth):
        if self.wrong():
            return self.any(depth - 1) if depth > 0 else "none"
        if depth <= 0 or self.r.random() < 0.25:
            return self.r.choice(self.names["str"] + [self.text(), self.text(), "messages[0].role", "messages[1]['content']", "d.k", "d['k']"])
        i, s, l = (lambda: self.int(depth - 1)), (lambda: self.str(depth - 1)), (lambda: self.list(depth - 1))
        slice_part = lambda: self.pick("", "", i())
        return self.pick(
            lambda: f"({s()} + {s()})", lambda: f"({self.any(depth - 1)} ~ {self.any(depth - 1)})", lambda: f"({s()})|{self.pick('trim', 'upper', 'lower', 'capitalize', 'string', 'reverse')}",
            lambda: f"({s()}).{self.pick('strip', 'lstrip', 'rstrip', 'upper', 'lower', 'capitalize')}()",
            lambda: f"({s()}).{self.pick('strip', 'lstrip', 'rstrip')}({s()})", lambda: f"({s()})[{slice_part()}:{slice_part()}]",
            lambda: f"({s()})[{slice_part()}:{slice_part()}:{self.pick('1', '2', '-1', '-2')}]", lambda: f"({s()})[{i()}]",
            lambda: f"({l()})|join({s()})", lambda: f"({self.any(depth - 1)})|tojson", lambda: f"({self.any(depth - 1)})|tojson(indent={self.pick('0', '2', '4')})",
            lambda: f"({s()}).replace({s()}, {s()})", lambda: f"({s()})|replace({s()}, {s()}, {i()})", lambda: f"({s()} if {self.bool(depth - 1)} else {s()})",
            lambda: f"({s()} if {self.bool(depth - 1)})", lambda: f"({self.any(depth - 1)})|default({s()}, {self.pick('true', 'false')})",
            lambda: f"({s()}).split({self.pick('', self.text())})[{self.pick('0', '-1', '1')}]", lambda: f"({s()}).removeprefix({s()})",
            lambda: f"({s()})|indent({self.pick('2', '4')})", lambda: f"({s()} * {self.pick('0', '1', '2', '3')})", lambda: f"({self.any(depth - 1)})|string",
            lambda: f"{s()}.join({self.pick('ls', 's', 'empty', '[s, w]')})", lambda: f"(messages|map(attribute={self.pick(chr(39) + 'role' + chr(39), chr(39) + 'content' + chr(39))})|join({s()}))")()

    def bool(self, depth):
        if depth <= 0 or self.r.random() < 0.15:
            return self.r.choice(["true", "false", "True", "t", "not t"] + (["loop.first", "loop.last"] if self.loops else []))
        a, i, s, l = (lambda: self.any(depth - 1)), (lambda: self.int(depth - 1)), (lambda: self.str(depth - 1)), (lambda: self.list(depth - 1))
        b = lambda: self.bool(depth - 1)
        test = self.pick("defined", "undefined", "none", "string", "number", "integer", "float", "mapping", "iterable", "sequence", "boolean", "true", "false")
        return self.pick(
            lambda: f"({i()} {self.pick('==', '!=', '<', '<=', '>', '>=')} {i()})", lambda: f"({i()} < {i()} <= {i()})", lambda: f"({s()} {self.pick('==', '!=', '<', '>=')} {s()})",
            lambda: f"({s()} {self.pick('in', 'not in')} {s()})", lambda: f"({a()} {self.pick('in', 'not in')} {l()})", lambda: f"({s()} in d)",
            lambda: f"({a()} is {self.pick('', 'not ')}{test})", lambda: f"({i()} is {self.pick('even', 'odd', 'divisibleby 3', 'divisibleby(2)')})",
            lambda: f"not {a()}", lambda: f"({a()} and {a()})", lambda: f"({a()} or {a()})", lambda: f"({b()} and not {b()})", lambda: f"({a()} == {a()})",
            lambda: f"({s()}).{self.pick('startswith', 'endswith')}({self.pick(self.text(), '(' + self.text() + ', ' + self.text() + ')')})",
            lambda: f"({s()}).{self.pick('isdigit', 'isalpha', 'isspace', 'isupper', 'islower', 'isalnum')}()", lambda: f"({s()} is {self.pick('eq', 'ne', 'equalto')} {self.text()})")()

    def list(self, depth):
        if self.wrong():
            return self.any(depth - 1) if depth > 0 else "none"
        if depth <= 0 or self.r.random() < 0.25:
            return self.r.choice(self.names["list"] + ["[1, 2, 3]", "['x']", "[]", "range(3)|list", "range(1, 8, 3)|list"])
        a, i, s, l = (lambda: self.any(depth - 1)), (lambda: self.int(depth - 1)), (lambda: self.str(depth - 1)), (lambda: self.list(depth - 1))
        part = lambda: self.pick("", "", i())
        return self.pick(
            lambda: f"[{a()}, {a()}]", lambda: f"({l()} + {l()})", lambda: f"({l()})[{part()}:{part()}]", lambda: f"({l()})[::{self.pick('-1', '2', '-2')}]",
            lambda: f"({s()}).split({self.pick('', self.text(), self.text() + ', 1')})", lambda: f"({s()}).rsplit({self.text()}, {self.pick('1', '2')})", lambda: f"({s()}).splitlines()",
            lambda: f"({s()})|list", lambda: f"({l()})|reverse|list", lambda: f"({l()})|{self.pick('sort', 'unique|list', 'sort(reverse=true)')}", lambda: "d|dictsort", lambda: "d.items()|list",
            lambda: "d|items|list", lambda: "d.keys()|list", lambda: "d.values()|list", lambda: f"({l()})|map({self.pick(chr(34) + 'string' + chr(34), chr(34) + 'upper' + chr(34), chr(34) + 'tojson' + chr(34))})|list",
            lambda: f"({l()})|{self.pick('select', 'reject')}({self.pick('', chr(34) + 'string' + chr(34), chr(34) + 'number' + chr(34), chr(34) + 'defined' + chr(34))})|list",
            lambda: f"(messages|{self.pick('selectattr', 'rejectattr')}('role', '{self.pick('equalto', 'eq', 'ne')}', '{self.pick('user', 'system')}')|list)", lambda: "messages|selectattr('content')|map(attribute='role')|list",
            lambda: f"({s()}).partition({self.text()})|list", lambda: f"({l()} * {self.pick('0', '1', '2')})", lambda: f"({l()} if {self.bool(depth - 1)} else {l()})")()

    def dict(self, depth):
        if depth <= 0 or self.r.random() < 0.4:
            return self.pick("d", "messages[0]", "{}", "d.nested", "dict(a=1, b='x')", "{'q': 1}")
        return self.pick(lambda: "{" + f"'a': {self.any(depth - 1)}, {self.text()}: {self.any(depth - 1)}" + "}", lambda: f"dict(x={self.any(depth - 1)})")()

    def sign(self):
        return self.pick("", "", "-", "-", "+")

    def block(self, inside):
        end = self.pick("", "", "-", "+")
        return "{%" + self.sign() + " " + inside + " " + end + "%}"

    def gap(self):
        return self.pick("", "", "\n", "\n    ", "  ", "x", " y\n", "\t\n\n", "\r\n")

    def body(self, depth, count=2):
        return "".join(self.gap() + self.statement(depth - 1) for _ in range(self.r.randint(1, count))) + self.gap()

    def statement(self, depth):
        if depth <= 0:
            return self.output(self.any(2))
        return self.pick(self.print, self.print, self.if_, self.for_, self.for_, self.set_, self.set_block, self.macro, self.namespace, self.comment, self.filter_, self.raw, self.with_, self.generation)(depth)

    def output(self, expression):
        return "{{" + self.pick("", "", "-", " ") + expression + self.pick("", " ", "-") + "}}"

    def print(self, depth):
        return self.output(" " + self.any(self.r.randint(1, 4)))

    def if_(self, depth):
        text = self.block(f"if {self.bool(3)}") + self.body(depth)
        if self.r.random() < 0.4:
            text += self.block(f"elif {self.any(2)}") + self.body(depth)
        if self.r.random() < 0.5:
            text += self.block("else") + self.body(depth)
        return text + self.block("endif")

    def for_(self, depth):
        target, source = self.pick(("i", "list"), ("i", "list"), ("k, v", "items"), ("m", "messages"), ("c", "str"))
        iterable = {"list": lambda: self.list(2), "items": lambda: self.pick("d.items()", "d|items", "d|dictsort"), "messages": lambda: self.pick("messages", "messages[::-1]", "messages[1:]"),
                    "str": lambda: self.str(2)}[source]()
        condition = f" if {self.bool(2)}" if self.r.random() < 0.3 else ""
        if condition and self.loops == 0 and "loop." in condition:
            condition = ""
        text = self.block(f"for {target} in {iterable}{condition}")
        self.loops += 1
        text += self.output(self.pick(target.split(",")[0], f"loop.{self.pick('index', 'first', 'last', 'length', 'revindex0', 'previtem', 'nextitem', 'depth')}", f"loop.cycle('a', {self.any(1)})"))
        text += self.body(depth)
        if self.r.random() < 0.3:
            text += self.block(f"if {self.bool(2)}") + self.block(self.pick("break", "continue")) + self.block("endif") + self.body(1)
        self.loops -= 1
        if self.r.random() < 0.3:
            text += self.block("else") + self.body(depth)
        return text + self.block("endfor")

    def set_(self, depth):
        kind = self.pick("int", "str", "list", "str")
        name = self.pick({"int": "n", "str": "s", "list": "l"}[kind], f"new_{kind}")
        value = getattr(self, kind)(3)
        if name not in self.names[kind]:
            self.names[kind].append(name)
        return self.block(f"set {name} = {value}") + self.pick("", self.output(name))

    def set_block(self, depth):
        return self.block(self.pick("set s", "set s | trim", "set s | upper | replace('A', 'b')")) + self.body(depth) + self.block("endset") + self.output("s")

    def macro(self, depth):
        loops, self.loops = self.loops, 0
        text = self.block("macro mac(a, b='d', c=a)") + self.pick("{{ a }}{{ b ~ c }}", "{{ a is defined }}", "{{ b|default('x') }}") + self.body(depth) + self.block("endmacro")
        self.loops = loops
        return text + self.output(self.pick(f"mac({self.any(1)})", f"mac({self.any(1)}, {self.any(1)})", f"mac(b={self.any(1)}, a={self.any(1)})", "mac()", f"mac({self.any(1)})|trim|length"))

    def namespace(self, depth):
        return (self.block(f"set ns = namespace(a={self.int(2)}, b={self.str(2)})") + self.block(f"for i in {self.list(2)}") + self.block(f"set ns.a = ns.a + {self.int(1)}") +
                self.block("set ns.b = ns.b ~ i") + self.block("endfor") + self.output("ns.a") + self.output("ns.b") + self.pick("", self.output("ns.missing")))

    def comment(self, depth):
        return "{#" + self.sign() + self.pick(" note ", " {{ x }} ", "\n", "") + self.pick("", "-") + "#}"

    def filter_(self, depth):
        return self.block(f"filter {self.pick('upper', 'trim', 'trim | lower')}") + self.body(depth) + self.block("endfilter")

    def raw(self, depth):
        return self.pick("{% raw %}", "{%- raw -%}") + self.pick(" {{ x }} ", "\n{% if %}\n", "") + self.pick("{% endraw %}", "{%- endraw -%}")

    def with_(self, depth):
        return self.block(f"with n = {self.int(2)}, q = s") + self.output("n") + self.body(depth) + self.block("endwith")

    def generation(self, depth):
        loops, self.loops = self.loops, 0
        text = "{% generation %}" + self.body(depth) + "{% endgeneration %}"
        self.loops = loops
        return text

    def program(self):
        return self.body(3, 3)


def programs(count, seed):
    for number in range(count):
        source = Generator(seed * 1_000_003 + number).program()
        yield {"source": source, **render(source, VARIABLES)}


def pick_programs(count, seed, most_bytes):
    """Short ones, three quarters of which run: an error says little."""
    kept = []
    for program in programs(count * 8, seed):
        is_short = len(program["source"]) + len(program.get("output", "")) <= most_bytes
        wants_error = sum("error" in p for p in kept) * 4 < len(kept)
        if is_short and ("error" not in program or wants_error) and program.get("output") != "":
            kept.append(program)
        if len(kept) == count:
            break
    return kept


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lines", action="store_true")
    args = parser.parse_args()
    if args.lines:
        for program in programs(args.programs, args.seed):
            print(json.dumps({**program, "variables": VARIABLES}))
        return
    golden = {
        "generator": f"scripts/make_chat_template_goldens.py with transformers {transformers.__version__} and jinja2 {jinja2.__version__}",
        "templates": {name: {"source": source, "provenance": where, "licence": licence} for name, (source, where, licence) in templates().items()},
        "conversations": conversations(), "tools": TOOLS, "cases": template_cases(), "program_variables": VARIABLES,
        "programs": pick_programs(args.programs, args.seed, 600),
    }
    path = ROOT / "tests/golden/chat_templates.json"
    path.write_text(json.dumps(golden, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    print(f"{path}: {len(golden['cases'])} cases, {len(golden['programs'])} programs, {path.stat().st_size} bytes", file=sys.stderr)


main()
