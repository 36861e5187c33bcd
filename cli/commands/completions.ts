import { defineCommand } from "../command.ts";
import { commands } from "../commands.ts";
import { bashCompletions } from "../completions/bash.ts";
import { completedCommands } from "../completions/completed_command.ts";
import { fishCompletions } from "../completions/fish.ts";
import { zshCompletions } from "../completions/zsh.ts";
import { writeBytes } from "../terminal.ts";

const scripts = { bash: bashCompletions, zsh: zshCompletions, fish: fishCompletions };

/** `bgpt completions`: what a shell offers when Tab is pressed. */
export default defineCommand({
  description:
    "Prints a script that teaches a shell to complete bgpt's commands, options and their values. Keep it where the shell " +
    "looks for such scripts, and make it anew after an update.",
  positionals: {
    shell: { placeholder: "SHELL", choices: ["bash", "zsh", "fish"], help: "bash, zsh or fish" },
  },
  options: {},
  examples: [
    {
      what: "for bash, with its package bash-completion",
      line: "completions bash > ~/.local/share/bash-completion/completions/bgpt",
    },
    { what: "for zsh, in a folder of its fpath", line: "completions zsh > ~/.zfunc/_bgpt" },
    { what: "for fish", line: "completions fish > ~/.config/fish/completions/bgpt.fish" },
  ],
  run: async ({ shell }) => {
    writeBytes(new TextEncoder().encode(scripts[shell](await completedCommands(commands))));
  },
});
