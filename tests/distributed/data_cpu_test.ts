import { assertEquals } from "@std/assert";
import { bgpt } from "../cli/bgpt.ts";
import { inTempFolder, namesIn } from "../cli/temp_folder.ts";
import { mpiTest, startRanks } from "./mpirun.ts";

mpiTest("data cpu writes the same corpus with two ranks as with one", async (mpi) => {
  await inTempFolder(async (folder) => {
    const args = (
      out: string,
    ) => [
      "data",
      "cpu",
      "--out",
      `${folder}/${out}`,
      ..."--instances 7 --memory 64 --max-program 9 --json".split(" "),
    ];
    const one = await bgpt(args("one"));
    const two = await startRanks(mpi, { ranks: 2, args: args("two") }).outcome();
    assertEquals(two.code, 0, two.stderr);
    assertEquals({ ...JSON.parse(two.stdout), out: "" }, { ...JSON.parse(one.stdout), out: "" });
    const contents = (out: string) =>
      namesIn(`${folder}/${out}`).map((name) => [name, Deno.readFileSync(`${folder}/${out}/${name}`)]);
    assertEquals(contents("two"), contents("one"));
  });
});
