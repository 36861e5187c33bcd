import { assertEquals } from "@std/assert";
import train from "../../cli/commands/train.ts";
import { optionWords } from "../../cli/option_words.ts";
import { parseCommandLine } from "../../cli/parse.ts";

Deno.test("the words of all values but the defaults give the same values again", () => {
  const line =
    "--data=-odd --data b --out o --given 2 --eval-data c d --device gpu --webgpu dawn --webgpu-unchecked " +
    "--threads 2 --no-tune --resume --launch mpirun --hang-timeout 9 --learning-rate 0.5";
  const parse = (words: readonly string[]) => parseCommandLine(words, train.options, train.positionals);
  const values = parse([...line.split(" "), "--task", "generation"]);
  const words = optionWords(train.options, values);
  assertEquals(parse(words), values);
  assertEquals([...words].sort(), line.replace("--data b", "--data=b").split(" ").sort());
});
