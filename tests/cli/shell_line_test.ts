import { assertEquals } from "@std/assert";
import { shellLine } from "../../cli/shell_line.ts";

Deno.test("a POSIX shell takes a line apart into the words that it was made of", async () => {
  const words = [
    "plain/a-b_c.txt=2",
    "my songs",
    "it's",
    'a"b',
    "abc<->mid",
    "$HOME",
    "a\\b",
    "*",
    "",
    "~",
    "ü",
  ];
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", `printf '%s\\n' ${shellLine(words)}`],
  }).output();
  assertEquals(new TextDecoder().decode(stdout).split("\n").slice(0, -1), words);
  assertEquals(shellLine(["bgpt", "--data", "a/b.txt=2"]), "bgpt --data a/b.txt=2");
});
