import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { commands } from "../../../cli/commands.ts";
import { bgpt } from "../bgpt.ts";
import { assertRefused } from "../refused.ts";
import { inTempFolder } from "../temp_folder.ts";

/** Asks a real shell what it offers at the end of each line; the words are separated by line feeds, the lines by `--`. */
const questions = {
  bash: `source ./script
while IFS= read -r line; do
  # As readline splits, which takes --option=value for three words.
  read -r -a COMP_WORDS <<<"\${line//=/ = }"
  [[ $line == *" " ]] && COMP_WORDS+=("")
  COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
  _bgpt
  printf '%s\\n' "\${COMPREPLY[@]}" ---
done <lines`,
  // Only the editor of lines can call the functions of completion, and only in a terminal.
  zsh: `zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PS1= PS2=; stty -echo; autoload -Uz compinit; compinit -u -D; source ./script'
zpty -w shell 'compadd() { local -a hits; builtin compadd -A hits "$@"; (( $#hits )) && print -rl -- $hits >>replies; builtin compadd "$@" }'
zpty -w shell 'answer() { zle complete-word; print -r -- --- >>replies; zle kill-whole-line; BUFFER= }; zle -C complete-word complete-word _main_complete'
zpty -w shell 'zle -N answer; bindkey "^X" answer; : >replies; print ready'
zpty -r shell output '*ready*'
asked=0
while IFS= read -r line; do
  zpty -w -n shell "$line"$'\\x18'
  (( asked++ ))
  until [[ $(grep -c -- '^---$' replies) -ge $asked ]]; do sleep 0.02; done
done <lines
cat replies`,
  fish: `source ./script
while read -l line
  complete -C "$line" | string replace -r '\\t.*' ''
  echo ---
end <lines`,
};
type Shell = keyof typeof questions;

async function isInstalled(shell: Shell): Promise<boolean> {
  try {
    return (await new Deno.Command(shell, { args: ["-c", "true"] }).output()).success;
  } catch {
    return false;
  }
}

/** What the shell offers for each line, sorted, in a folder that holds `an apple`, `apricot` and the folder `axis`. */
async function offered(shell: Shell, lines: readonly string[]): Promise<string[][]> {
  const answers: string[][] = [];
  await inTempFolder(async (folder) => {
    await Deno.mkdir(join(folder, "axis"));
    for (const name of ["an apple", "apricot"]) await Deno.writeTextFile(join(folder, name), "");
    const { code, stdout: script, stderr } = await bgpt(["completions", shell]);
    assertEquals([code, stderr], [0, ""]);
    await Deno.writeTextFile(join(folder, "script"), script);
    await Deno.writeTextFile(join(folder, "lines"), lines.map((line) => `${line}\n`).join(""));
    const output = await new Deno.Command(shell, {
      args: ["-c", questions[shell]],
      cwd: folder,
      env: { HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder, TERM: "dumb" },
      signal: AbortSignal.timeout(20_000),
    }).output();
    const text = new TextDecoder().decode(output.stdout);
    // Zsh asks itself more than once, and quotes.
    const words = (block: string) =>
      [...new Set(block.replaceAll("\\", "").split("\n"))].filter((word) => word !== "").sort();
    answers.push(...text.split(/^---$/m).slice(0, -1).map(words));
    assertEquals(answers.length, lines.length, text + new TextDecoder().decode(output.stderr));
  });
  return answers;
}

for (const shell of ["bash", "zsh", "fish"] as const) {
  const ignore = !await isInstalled(shell);
  const remark = ignore ? ` (needs ${shell})` : "";
  Deno.test({
    name: `${shell} completes commands, options, their values and files${remark}`,
    ignore,
    fn: async () => {
      const files = ["an apple", "apricot", "axis"];
      const cases: readonly [line: string, offers: readonly string[]][] = [
        ["bgpt da", ["data"]],
        ["bgpt data c", ["cpu"]],
        ["bgpt data cpu --instr", ["--instructions"]],
        ["bgpt generate --prefix train --gre", ["--greedy"]],
        ["bgpt train --device ", ["auto", "cpu", "gpu", "reference"]],
        ["bgpt train --steps ", []],
        ["bgpt train --data a", files],
        ["bgpt train --data b a", files],
        ["bgpt train --out a", files],
        ["bgpt info a", files],
        ["bgpt completions ", ["bash", "fish", "zsh"]],
        ["bgpt help data c", ["cpu"]],
        ["bgpt nonsense x", []],
      ];
      const answers = await offered(shell, cases.map(([line]) => line));
      // Fish writes the slash of a folder.
      const plain = answers.map((words) => words.map((word) => word.replace(/\/$/, "")));
      assertEquals(
        plain.map((words, index) => [cases[index]![0], words]),
        cases.map(([line, offers]) => [line, [...offers]]),
      );
    },
  });

  Deno.test({
    name: `${shell} completes a value behind an equals sign${remark}`,
    ignore,
    fn: async () => {
      const [words] = await offered(shell, ["bgpt train --device=g"]);
      assertEquals(words!.map((word) => word.replace("--device=", "")), ["gpu"]);
    },
  });

  Deno.test({
    name: `${shell} offers every command of the table${remark}`,
    ignore,
    fn: async () => {
      const names = [...new Set(commands.map(({ name }) => name.split(" ")[0]!)), "help"];
      const [words] = await offered(shell, ["bgpt "]);
      assertEquals(words!.filter((word) => !word.startsWith("-")), names.sort());
    },
  });
}

Deno.test("completions for an unknown shell are refused with the known ones", () =>
  assertRefused({
    args: ["completions", "csh"],
    code: 2,
    message: 'Cannot use SHELL "csh": one of bash, zsh, fish is required',
  }));

Deno.test("the help of completions says where the scripts go", async () => {
  const { stdout } = await bgpt(["completions", "--help"]);
  assertStringIncludes(stdout, "bgpt completions fish > ~/.config/fish/completions/bgpt.fish");
});
