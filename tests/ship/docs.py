# SPDX-License-Identifier: Apache-2.0
"""docs.py ROOT BIN: what the documents refer to is there. A line per complaint; status 1 if any.

In every Markdown file of the repository: relative links lead to files, their anchors to headings; paths in backticks exist;
`make TARGET` names a target; options given to a program of memlab's are options it knows."""

import pathlib
import re
import subprocess
import sys

root, binaries = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
complaints = []


def git_files(*patterns):
    text = subprocess.run(["git", "-c", "safe.directory=*", "-C", root, "ls-files", *patterns], capture_output=True, text=True, check=True)
    return text.stdout.split("\n")[:-1]


files = git_files()
folders = {str(parent) for file in files for parent in pathlib.Path(file).parents}
top = {file.split("/")[0] for file in files if "/" in file}


def known_options(program):
    """None: no such program. Options of a subcommand count as the program's."""
    if not (binaries / program).exists():
        return None
    texts = [subprocess.run([binaries / program, *words, "--help"], capture_output=True, text=True).stdout for words in ([], ["report"], ["record"])]
    return set(re.findall(r"(?<![\w-])(--?[a-z][a-z-]*)", " ".join(texts)))


def targets():
    makefiles = [root / file for file in git_files("Makefile", "*.mk")]
    found = set()
    for makefile in makefiles:
        for line in makefile.read_text().splitlines():
            match = re.match(r"(?:\.PHONY: *)?([a-z][a-z -]*?) *(?::(?!=)|$)", line.replace(".PHONY:", ".PHONY: "))
            if match and not line.startswith("\t"):
                found |= set(match[1].split())
            if line.startswith(".PHONY:"):
                found |= set(line.split()[1:])
    return found


def slug(heading):
    """As GitHub makes an anchor of a heading."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(path):
    text = re.sub(r"```.*?```", "", path.read_text(), flags=re.S)
    return {slug(line.lstrip("#")) for line in text.splitlines() if re.match(r"#+ ", line)}


def check_links(path, text):
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        if not there.exists():
            complaints.append(f"{path.relative_to(root)}: the link {target} leads nowhere")
        elif anchor and anchor not in anchors(there):
            complaints.append(f"{path.relative_to(root)}: {target} names no heading")


def check_path(path, word):
    """`svc/heap/gc.h`, `tests/bpf/`; not patterns, not what a build makes."""
    if not re.fullmatch(r"[\w.@-]+(/[\w.@-]+)*/?", word) or "/" not in word or word.split("/")[0] not in top:
        return
    word = word.rstrip("/")
    if word not in files and word not in folders:
        complaints.append(f"{path.relative_to(root)}: {word} does not exist")


def check_command(path, command):
    for target in re.findall(r"(?:^|\s)make((?: [a-z][a-z-]*)+)", command):
        for word in target.split():
            if word not in makes:
                complaints.append(f"{path.relative_to(root)}: make knows no target {word}")
    for program, rest in re.findall(r"\b(memlab-(?:trace|svc|load|gen|loadindex))\b([^|;#\n]*)", command):
        for option in re.findall(r"(?<=\s)(--[a-z][a-z-]*)", rest):
            if option not in options[program]:
                complaints.append(f"{path.relative_to(root)}: {program} has no option {option}")


makes = targets()
options = {program: known_options(program) for program in ("memlab-trace", "memlab-svc", "memlab-load", "memlab-gen", "memlab-loadindex")}
for name in git_files("*.md"):
    document = root / name
    text = document.read_text()
    blocks = re.findall(r"```[a-z]*\n(.*?)```", text, flags=re.S)
    prose = re.sub(r"```.*?```", "", text, flags=re.S)
    spans = re.findall(r"`([^`\n]+)`", prose)
    check_links(document, re.sub(r"`[^`\n]+`", "", prose))
    for span in spans:
        check_path(document, span)
        if re.match(r"(sudo )?([A-Z]+=\S+ )*(make|memlab-)", span):
            check_command(document, span)
    for block in blocks:
        for line in block.replace("\\\n", " ").splitlines():
            if re.match(r"\s*(sudo )?([A-Z]+=\S+ )*(make|memlab-|docker run)", line):
                check_command(document, re.sub(r"#.*", "", line))

print("\n".join(complaints), end="\n" if complaints else "")
sys.exit(bool(complaints))
