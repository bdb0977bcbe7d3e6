# SPDX-License-Identifier: Apache-2.0
# complete.zsh 'LINE': what zsh lists when the Tab key is pressed after LINE. It shows matches to a terminal only, so it gets one.
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'stty columns 200 rows 900; PROMPT=; RPROMPT=; LISTMAX=10000; autoload -Uz compinit; compinit -u -D; unsetopt listbeep; bindkey "^I" list-choices'
zpty -w z 'print REA''DY'
zpty -r -m z said '*READY*'
zpty -w -n z "$1"$'\t'
zpty -w -n z $'\C-e\C-u'
zpty -w z 'print E''ND'
zpty -r -m z said '*END*'
print -r -- "$said"
zpty -d z
