# SPDX-License-Identifier: Apache-2.0
# complete.zsh 'LINE': what zsh lists when the Tab key is pressed after LINE. It shows matches to a terminal only, so it gets one.
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'stty columns 200 rows 900; PROMPT=; RPROMPT=; LISTMAX=10000; autoload -Uz compinit; compinit -u -D; unsetopt listbeep; bindkey "^I" list-choices'
zpty -w z 'print now-it-is-rea""dy'
zpty -r -m z said '*now-it-is-ready*'
zpty -w -n z "$1"$'\t'
zpty -w -n z $'\C-e\C-u'
zpty -w z 'print that-is-a""ll-of-it'
zpty -r -m z said '*that-is-all-of-it*'
print -r -- "$said"
zpty -d z
