import { type CompletedCommand, type CompletedOption, grouped } from "./completed_command.ts";

/** The completions for fish. */
export function fishCompletions(commands: readonly CompletedCommand[]): string {
  const groups = [...grouped(commands)];
  return [
    "# Completions of bgpt for fish, made by: bgpt completions fish",
    "",
    "# Whether the words before the cursor begin with these.",
    "function __bgpt_after",
    "    set -l words (commandline -opc)",
    "    set -l last (math (count $argv) + 1)",
    '    test (count $words) -ge $last; and test "$words[2..$last]" = "$argv"',
    "end",
    "",
    "# Whether the words before the cursor are these, and no more.",
    "function __bgpt_just_after",
    "    set -l words (commandline -opc)",
    '    test "$words[2..]" = "$argv"',
    "end",
    "",
    "complete -c bgpt -e",
    "complete -c bgpt -f",
    line(["-n __bgpt_just_after", "-l version", `-d ${quoted("print the version")}`]),
    line(["-n __bgpt_just_after", "-l help", `-d ${quoted("print the help")}`]),
    line(["-n __bgpt_just_after", "-a help", `-d ${quoted("print the help of a command")}`]),
    ...groups.flatMap(([group, members]) => groupLines(group, members)),
    ...commands.flatMap(commandLines),
    "",
  ].join("\n");
}

/** The words of a group, behind nothing or behind `help`. */
function groupLines(group: string, members: readonly CompletedCommand[]): string[] {
  const isCommand = members[0]!.name === group;
  const summary = isCommand ? members[0]!.summary : `${members.length} commands`;
  return ["", "help"].flatMap((before) => [
    line([after("just_after", before), `-a ${group}`, `-d ${quoted(summary)}`]),
    ...isCommand ? [] : members.map(({ name, summary }) =>
      line([
        after("just_after", `${before} ${group}`.trim()),
        `-a ${name.slice(group.length + 1)}`,
        `-d ${quoted(summary)}`,
      ])
    ),
  ]);
}

function commandLines({ name, options, words }: CompletedCommand): string[] {
  const here = after("after", name);
  const takesFiles = words.offer === "files" || options.some(({ value }) => value?.many);
  return [
    ...takesFiles ? [line([here, "-F"])] : [],
    ...Array.isArray(words.offer) ? [line([here, `-a ${quoted(words.offer.join(" "))}`])] : [],
    ...options.map((option) => line([here, ...optionWords(option)])),
  ];
}

function optionWords({ flag, help, value }: CompletedOption): string[] {
  const named = [`-l ${flag.slice(2)}`, `-d ${quoted(help)}`];
  if (value === undefined) return named;
  if (value.offer === "files") return [...named, "-r", "-F"];
  return [...named, "-x", ...Array.isArray(value.offer) ? [`-a ${quoted(value.offer.join(" "))}`] : []];
}

function after(test: "after" | "just_after", words: string): string {
  return `-n ${quoted(`__bgpt_${test} ${words}`.trim())}`;
}

function line(words: readonly string[]): string {
  return `complete -c bgpt ${words.join(" ")}`;
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
