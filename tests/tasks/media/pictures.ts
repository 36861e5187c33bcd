import type { RgbImage } from "@bgpt/tasks/media";

/** The picture that the files below show: 16 × 12, red grows to the right, green downwards, blue shrinks. */
export const gradient: RgbImage = {
  width: 16,
  height: 12,
  pixels: Uint8Array.from({ length: 3 * 16 * 12 }, (_, i) => {
    const x = Math.floor(i / 3) % 16;
    const y = Math.floor(i / 48);
    return [16 * x, 20 * y, 255 - 8 * (x + y)][i % 3]!;
  }),
};

/** The gradient in files that sharp 0.35 wrote (libjpeg-turbo, libspng); JPEG of quality 95 without subsampling. */
export const gradientFiles = {
  jpeg: fileOf(
    "/9j/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYGCAsICQoKCgoKBggLDAsKDAkKCgr/2w" +
      "BDAQICAgICAgUDAwUKBwYHCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgr/wAARCAAM" +
      "ABADAREAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAABwj/xAAiEAAAAwcFAAAAAAAAAAAAAAAAAQcCBQYIERJRFSEzQdH/xA" +
      "AWAQEBAQAAAAAAAAAAAAAAAAAJBwj/xAAcEQABBAMBAAAAAAAAAAAAAAAiAAUGByMyUaH/2gAMAwEAAhEDEQA/AJBTmTrjq6sb" +
      "WBC57cO+T1TmsLG0PifE5k646urG1gxTPbh3yepFawsbQ+KqU4TCD6MHp2Oy8E3nsneDNA1WD44gXE9pwmEHkTB6djsvBiieyd" +
      "4M0ilYPjiBcX//2Q==",
  ),
  progressiveJpeg: fileOf(
    "/9j/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYGCAsICQoKCgoKBggLDAsKDAkKCgr/2w" +
      "BDAQICAgICAgUDAwUKBwYHCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgr/wgARCAAM" +
      "ABADAREAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAABgf/xAAWAQEBAQAAAAAAAAAAAAAAAAAIBgf/2gAMAwEAAhADEAAAAZ" +
      "AhZx9iiKqk2DX2KIr/xAAXEAEBAQEAAAAAAAAAAAAAAAAFAAQG/9oACAEBAAEFAjuOjuOjjMccZjv/xAAYEQADAQEAAAAAAAAA" +
      "AAAAAAAABiEEMf/aAAgBAwEBPwFYY+UWGPlFjdolFjdolP/EABoRAAICAwAAAAAAAAAAAAAAAAAFBCEGIjH/2gAIAQIBAT8BfZ" +
      "h3YfZh3YfM5l2Pmcy7P//EABcQAQADAAAAAAAAAAAAAAAAAAABIzP/2gAIAQEABj8CipFTNm//xAAWEAEBAQAAAAAAAAAAAAAA" +
      "AAAAIfH/2gAIAQEAAT8hyGQmJj//2gAMAwEAAgADAAAAEE8P/8QAFhEBAQEAAAAAAAAAAAAAAAAAAJGh/9oACAEDAQE/EMtlpZ" +
      "LP/8QAFhEBAQEAAAAAAAAAAAAAAAAA8QAQ/9oACAECAQE/EHp7d7//xAAbEAACAgMBAAAAAAAAAAAAAAAAASFBUWHREf/aAAgB" +
      "AQABPxC1jBtYwfM+trgsn1tcP//Z",
  ),
  /** The red of the gradient alone, as grey. */
  greyJpeg: fileOf(
    "/9j/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYGCAsICQoKCgoKBggLDAsKDAkKCgr/wA" +
      "ALCAAMABABAREA/8QAFQABAQAAAAAAAAAAAAAAAAAACgn/xAAXEAADAQAAAAAAAAAAAAAAAAAACUSC/9oACAEBAAA/AJvrbgyI" +
      "AW3BkP8ArbgyIAW3Bk//2Q==",
  ),
  cmykJpeg: fileOf(
    "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAQCwwODAoQDg0OEhEQExgoGhgWFhgxIyUdKDozPTw5Mzg3QEhcTkBEV0U3OFBtUVdfYm" +
      "doZz5NcXlwZHhcZWdj/8AAFAgADAAQBEMRAE0RAFkRAEsRAP/EABgAAQADAQAAAAAAAAAAAAAAAAYDBAUH/8QAJhAAAgIBAwIG" +
      "AwAAAAAAAAAAAQIDBAAFESEGEiIjMVFxgUFhkf/aAA4EQwBNAFkASwAAPwAxQoSyzKApPOUZemLkw8ELn4GPiyr6kD5OOpbUEI" +
      "8yRR9507p/TZKddWl4JHC5n2elrlc+ajLv+Nsy9Y1mKhEQGBkI4/WV4NSitS9sO5UHk4agpwq24BH3nXcJatdsK5AkP9y2Y0Pq" +
      "in6xNpUroqp3kr7HnI5oY5UIdQRh6zbmk3DuSMiNSFW70QK3uM//2Q==",
  ),
  png: fileOf(
    "iVBORw0KGgoAAAANSUhEUgAAABAAAAAMCAIAAADkharWAAAACXBIWXMAAAPoAAAD6AG1e1JrAAAB0UlEQVQokQXBoY6sMBQA0P" +
      "sJiH4Asu7h1jQZ3Mi5DgmiCRIcdeAwTcAhuQ4JogkSHHXgME0GN3JwK/edAwB/Hvz68A3gE8Ib4Uxgz2GrYGlhJhgnGFboD+gu" +
      "aG6oAdivx74++wTsHbIT2Z6wLWdLxeaWjcSGifUr6w7WXKy+WQnAvx7/+Pwd8DPkO/It4UvO54qPLR+I9xPvVt4cvL54efMCQH" +
      "w88fbFGYg9FBuKJRFzLsZKDK3oSXSTaFZRH6K8RHGLDADfHp4+7gFuIS6Ic4JjjkOFfYsdYTNhvWJ5YHFhdmMKIE9P7r7cArmE" +
      "ckY5JnLIZV/JrpUNyXqS5SqLQ2aXTG8ZA6jdU5uvlkDNoRpRDYnqc9VVqmlVTaqcVLGq7FDppeJbRQB68/Ti6znQY6gH1H2iu1" +
      "w3la5bXZIuJp2tOj10fOno1i8AWjyafRoDGkLqkbqEmpzqisqWCqJsonSl+KDootdNTwAze2b0zRCYPjQdmiYxdW7KyhStycik" +
      "k4lXEx3mdZnnbR4AdvTs4Ns+sF1oG7R1YsvcFpXNWpuSjScbrfZ12OdlH7f9AXCD53rfdYFrQlejKxNX5C6rXNq6mFw0udfqno" +
      "d7XO7ndv/+AyG6HdDPZF4qAAAAAElFTkSuQmCC",
  ),
  png16: fileOf(
    "iVBORw0KGgoAAAANSUhEUgAAABAAAAAMEAIAAAC0FXaVAAAACXBIWXMAAAPoAAAD6AG1e1JrAAACnklEQVQ4jRXNoY6jUACG0e" +
      "8REDwAEre4NSSDGznXVRZBUllcccVhSMAhuQ4JgqSyuOKKqyEZ3MjBrfw3PS9wAJAc4J884FcB8KMI+JYBXoqBp1LgoRy4qwZu" +
      "skCvAeg0Aa0WoNEGVNqBQoDLPzm4/MrD5UcBLt+KcHnJ4PJUjMtDKS535bjcVOPSy+LSacCl1YRLowWXShsuhXZcru/A51cOPj" +
      "/y8PlWgM9LET5PGXweivG5K8XnphyfXjU+nSw+rQZ8Gk34VFrwKbThc9WOz+UdhPzIIeRbHiEvBYQ8FRHykCHkrpiQm1JCeuWE" +
      "dKoJaWUJaTQQUmkipNBCyFUbIRfthJzfgeFbDoaXPAxPBRgeijDcZTDcFGPolWLolGNoVWNoZDFUGjAUmjBctWC4aMNw1o7h9A" +
      "4SXnJIeMoj4aGAhLsiEm4yJPSKSeiUktAqJ6FRTUIlS0KhgYSrJhIuWkg4ayPhpJ2E4zvIeMoh4yGPjLsCMm6KyOhlyOgUk9Eq" +
      "JaNRTkalmoxCloyrBjIumsg4ayHjpI2Mo3YyDu+g5CGHkrs8Sm4KKOkVUdLJUNIqpqRRSkmlnJJCNSVXWUouGig5a6LkpIWSoz" +
      "ZKDtop+XoHlrscLDd5WHoFWDpFWFoZLI1iLJVSLIVyLFfVWC6yWM4asJw0YTlqwXLQhuVLO5bPdzByk8NIL4+RTgEjrSJGGhlG" +
      "KsWMFEoZuSpn5KKakbMsIycNjBw1MXLQwsiXNkY+tTPy8Q5mejnMdPKYaRUw0yhippJhplDMzFUpMxflzJxVM3OSZeaogZmDJm" +
      "a+tDDzqY2ZD+3M/H0HK50cVlp5rDQKWKkUsVLIsHJVzMpFKStn5aycVLNylGXloIGVL02sfGph5UMbK3+1s/JH/wGRbd0QtOZB" +
      "EgAAAABJRU5ErkJggg==",
  ),
} as const;

/** 2 × 2 pixels with a palette: red, green that shows everything through, blue, white. */
export const paletteFile = fileOf(
  "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACAgMAAAAP2OW3AAAADFBMVEVMaXEAAP//////AADumZ+QAAAAAXRSTlMAQObYZgAAAA" +
    "lwSFlzAAAD6AAAA+gBtXtSawAAAAxJREFUCJljOMCQAAACpAEh9bevugAAAABJRU5ErkJggg==",
);

/** The bytes of a file in base64. */
function fileOf(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
