import { type CompletedCommand, type CompletedOption, grouped, type Offer } from "./completed_command.ts";

/** The completions for zsh: a file `_bgpt` of its `fpath`, or one to be sourced. */
export function zshCompletions(commands: readonly CompletedCommand[]): string {
  const groups = [...grouped(commands)];
  const subcommands = groups.filter(([group, [first]]) => first!.name !== group);
  return `#compdef bgpt
# Completions of bgpt for zsh, made by: bgpt completions zsh

_bgpt() {
  local help= command
  local -a offers
  if (( CURRENT > 2 )) && [[ $words[2] == help ]]; then
    help=1
    shift words
    (( CURRENT-- ))
  fi
  if (( CURRENT == 2 )); then
    offers=(${
    [...groups.map(([group, members]) => described(group, summaryOf(group, members))), "help", "--version"]
      .join(" ")
  })
    _describe command offers
    return
  fi
  shift words
  (( CURRENT-- ))
  command=$words[1]
  case $command in
${
    subcommands.map(([group, members]) =>
      `    ${group})
      if (( CURRENT == 2 )); then
        offers=(${
        members.map(({ name, summary }) => described(name.slice(group.length + 1), summary)).join(" ")
      })
        _describe command offers
        return
      fi
      shift words
      (( CURRENT-- ))
      command+=" $words[1]" ;;`
    ).join("\n")
  }
  esac
  if [[ -n $help ]]; then return 1; fi
  case $command in
${commands.map(commandCase).join("\n")}
  esac
}

if [[ $funcstack[1] == _bgpt ]]; then
  _bgpt "$@"
else
  compdef _bgpt bgpt
fi
`;
}

function summaryOf(group: string, [first, ...others]: readonly CompletedCommand[]): string {
  return first!.name === group ? first!.summary : `${others.length + 1} commands`;
}

function described(word: string, summary: string): string {
  return quoted(`${word}:${summary}`);
}

function commandCase({ name, options, words }: CompletedCommand): string {
  const specs = options.map(optionSpec);
  if (words.offer !== "nothing") {
    specs.push(quoted(`*:${escaped(words.placeholder)}:${actionOf(words.offer)}`));
  }
  return `    ${quoted(name)})\n      _arguments ${specs.map((spec) => `\\\n        ${spec}`).join(" ")} ;;`;
}

/** A spec of `_arguments`; the equals sign says that the value may stand in the same word. */
function optionSpec({ flag, help, value }: CompletedOption): string {
  const explanation = `[${escaped(help)}]`;
  if (value === undefined) return quoted(`${flag}${explanation}`);
  const argument = `${escaped(value.placeholder)}:${actionOf(value.offer)}`;
  return quoted(value.many ? `*${flag}${explanation}:*-*:${argument}` : `${flag}=${explanation}:${argument}`);
}

/** A lone space says what is wanted and offers nothing. */
function actionOf(offer: Offer): string {
  return offer === "nothing" ? " " : offer === "files" ? "_files" : `(${offer.join(" ")})`;
}

function escaped(text: string): string {
  return text.replace(/[\\[\]:]/g, "\\$&");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
