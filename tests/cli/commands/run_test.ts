import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { bgpt } from "../bgpt.ts";
import { testSizes, writeCheckpoint } from "../checkpoints.ts";
import { assertRefused, type Refusal } from "../refused.ts";
import { inTempFolder } from "../temp_folder.ts";

const device = ["--device", "reference"];

Deno.test("run shows the states of a program in the model beside the machine's", () =>
  inTempFolder(async (folder) => {
    const checkpoint = join(folder, "checkpoint");
    await writeCheckpoint(checkpoint);
    const program = join(folder, "add.asm");
    await Deno.writeTextFile(program, "; A = A + B\nADD A B\n\nHLT\n");
    const args = ["run", program, "--checkpoint", checkpoint, "--memory", "16", ...device];
    const json = await bgpt([...args, "--json"]);
    assertEquals(json.code, 0, json.stderr);
    const { states, departsAtState, start, machine, model } = JSON.parse(json.stdout);
    // Random weights know nothing.
    assertEquals([states, departsAtState], [2, 1]);
    assertEquals([start.length, start[0], machine.length], [16, 0, 2]);
    const [a, b] = start.slice(6);
    assertEquals(machine[0].slice(0, 6), [1, start[1], 13, 1, 2, 0]);
    assertEquals(machine[1].slice(0, 8), [2, start[1], 0, 0, 0, 0, Math.min(255, a + b), b]);
    const text = await bgpt(args);
    assertMatch(text.stdout, /^ {4}1 {2}ADD A B/m);
    assertEquals(model[0].length, 16);
    assertStringIncludes(text.stdout, `${start[1]}→${model[0][1]}`);
    assertStringIncludes(text.stdout, "The model departs from the machine in state 1 of 2.\n");

    const other = JSON.parse((await bgpt([...args, "--seed", "1", "--json"])).stdout);
    assertEquals([String(other.start) === String(start), other.states], [false, 2]);
  }));

Deno.test("run starts the registers that programs do not use at 0 where it is told to", () =>
  inTempFolder(async (folder) => {
    const checkpoint = join(folder, "checkpoint");
    await writeCheckpoint(checkpoint);
    const program = join(folder, "load.asm");
    await Deno.writeTextFile(program, "LOADI 200\nHLT\n");
    const args = ["run", program, "--checkpoint", checkpoint, "--memory", "16", "--json", ...device];
    const startWith = async (...rest: string[]) =>
      JSON.parse((await bgpt([...args, ...rest])).stdout).start as number[];
    const all = await startWith("--registers", "2");
    assert(all.slice(8).some((value) => value > 0));
    const some = await startWith("--registers", "2", "--unused-registers-zero");
    assertEquals(some, all.fill(0, 8));

    await Deno.writeTextFile(program, "ADD B C\nHLT\n");
    await assertRefused({
      args: [...args, "--registers", "2"],
      code: 1,
      message:
        `Cannot run "${program}": it uses register C, with --registers 2 it may use A, B alone. Use those, or say ` +
        "--registers 3",
    });
  }));

Deno.test("run takes a state file, with its own registers", () =>
  inTempFolder(async (folder) => {
    const checkpoint = join(folder, "checkpoint");
    await writeCheckpoint(checkpoint);
    const sizes = ["--instances", "1", "--min-program", "3", "--max-program", "3", "--memory", "16"];
    const data = join(folder, "data");
    await bgpt(["data", "cpu", "--out", data, ...sizes]);
    const [name] = [...Deno.readDirSync(data)].map(({ name }) => name).filter((name) =>
      name.endsWith(".bin")
    );
    const { code, stdout, stderr } = await bgpt([
      "run",
      join(data, name!),
      "--checkpoint",
      checkpoint,
      "--json",
      ...device,
    ]);
    assertEquals(code, 0, stderr);
    const { start, machine } = JSON.parse(stdout);
    assertEquals([...start, ...machine.flat()], [...await Deno.readFile(join(data, name!))].slice(16));
  }));

Deno.test("run refuses what cannot be with one line", () =>
  inTempFolder(async (folder) => {
    const checkpoint = join(folder, "checkpoint");
    await writeCheckpoint(checkpoint);
    const small = join(folder, "small");
    await writeCheckpoint(small, { ...testSizes, patchLength: 3 });
    const write = async (name: string, text: string) => {
      await Deno.writeTextFile(join(folder, name), text);
      return join(folder, name);
    };
    const wrong = await write("wrong.asm", "ADD A B\nJUMP A\n");
    const endless = await write("endless.asm", "ADD A B\n");
    const halt = await write("halt.asm", "HLT\n");
    const of = (path: string, program: string) => ["run", program, "--checkpoint", path, ...device];
    const refusals: Refusal[] = [
      {
        args: of(checkpoint, wrong),
        code: 1,
        message: `Cannot assemble line 2 "JUMP A": there is no instruction "JUMP"`,
      },
      { args: of(checkpoint, endless), code: 1, message: "its last, and only its last, must be HLT" },
      {
        args: of(small, halt),
        code: 1,
        message: "the model's patch length is 3. Use shorter programs or less memory",
      },
      {
        args: of(checkpoint, join(folder, "missing.asm")),
        code: 1,
        message: `Cannot read "${join(folder, "missing.asm")}": there is no such file`,
      },
      { args: ["run", "--checkpoint", checkpoint], code: 2, message: "Missing PROGRAM.asm" },
    ];
    for (const refusal of refusals) await assertRefused(refusal);
  }));
