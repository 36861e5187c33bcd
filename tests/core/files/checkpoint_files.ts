/** The files of a checkpoint whose whole content is one word, so that a mixture shows. */
export function checkpointFiles(content: string): Record<string, string> {
  return { model: content.repeat(1000), "trainer.json": content };
}
