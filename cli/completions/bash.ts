import { type CompletedCommand, type CompletedOption, grouped, type Offer } from "./completed_command.ts";

/** The completions for bash; from version 3.2 on, which macOS has. */
export function bashCompletions(commands: readonly CompletedCommand[]): string {
  const groups = grouped(commands);
  const subcommands = [...groups].filter(([group, [first]]) => first!.name !== group);
  return `# Completions of bgpt for bash, made by: bgpt completions bash

_bgpt_files() {
  local path
  compopt -o filenames 2>/dev/null
  while IFS= read -r path; do COMPREPLY+=("$path"); done < <(compgen -f -- "$1")
}

_bgpt() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]}
  # Readline takes --option=value for three words.
  if [[ $word == "=" ]]; then word=
  elif [[ $before == "=" ]]; then before=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  COMPREPLY=()

  local first=1 help=
  if [[ \${COMP_WORDS[1]} == help ]]; then first=2 help=1; fi
  local offers= command=\${COMP_WORDS[first]} depth=$((COMP_CWORD - first))
  if ((depth <= 0)); then
    offers=${quoted(["help", ...groups.keys(), "--help", "--version"])}
    COMPREPLY=($(compgen -W "$offers" -- "$word"))
    return
  fi
  case $command in
${
    subcommands.map(([group, members]) =>
      `    ${group})
      if ((depth == 1)); then
        COMPREPLY=($(compgen -W ${
        quoted(members.map(({ name }) => name.slice(group.length + 1)))
      } -- "$word"))
        return
      fi
      command+=" \${COMP_WORDS[first + 1]}" ;;`
    ).join("\n")
  }
  esac
  if [[ -n $help ]]; then return; fi

  local option= at
  for ((at = 1; at < COMP_CWORD; at++)); do
    if [[ \${COMP_WORDS[at]} == --* ]]; then option=\${COMP_WORDS[at]}; fi
  done
  case $command in
${commands.map(commandCase).join("\n")}
  esac
  COMPREPLY=($(compgen -W "$offers" -- "$word"))
}

complete -F _bgpt bgpt
`;
}

function commandCase({ name, options, words }: CompletedCommand): string {
  const flagsThat = (offer: Offer) =>
    options.filter(({ value }) => value?.offer === offer).map(({ flag }) => flag);
  const choices = options.filter(({ value }) => Array.isArray(value?.offer));
  const many = options.filter(({ value }) => value?.many).map(({ flag }) => flag);
  const flags = options.map(({ flag }) => flag);
  const lines = [
    // A value behind its option.
    "case $before in",
    ...branch(flagsThat("files"), '_bgpt_files "$word"; return'),
    ...branch(flagsThat("nothing"), "return"),
    ...choices.flatMap((option) => branch([option.flag], `offers=${quoted(choicesOf(option))}`)),
    `  *) offers=${quoted(flags)}`,
    // Another value of an option that takes many, or a word that belongs to no option.
    ...many.length === 0 || words.offer === "files" ? [] : [
      `     if [[ $word != -* && $option =~ ^(${many.join("|")})$ ]]; then _bgpt_files "$word"; return; fi`,
    ],
    ...words.offer === "files" ? ['     if [[ $word != -* ]]; then _bgpt_files "$word"; return; fi'] : [],
    ...Array.isArray(words.offer)
      ? [`     if [[ $word != -* ]]; then offers=${quoted(words.offer)}; fi`]
      : [],
    "     ;;",
    "esac ;;",
  ];
  return [`    "${name}")`, ...lines.map((line) => `      ${line}`)].join("\n");
}

function branch(flags: readonly string[], then: string): string[] {
  return flags.length === 0 ? [] : [`  ${flags.join(" | ")}) ${then} ;;`];
}

function choicesOf({ value }: CompletedOption): readonly string[] {
  return Array.isArray(value?.offer) ? value.offer : [];
}

/** Words of letters, digits and dashes need no more. */
function quoted(words: readonly string[]): string {
  return `"${words.join(" ")}"`;
}
