/**
 * The first key that stands twice in one object of a JSON text, which `JSON.parse` would hide; undefined if none does.
 *
 * @param json a text that `JSON.parse` accepts
 */
export function duplicateKey(json: string): string | undefined {
  const scopes: (Set<string> | undefined)[] = []; // the keys of every open object or array, made when there is one
  let lastString = "";
  for (let i = 0; i < json.length; i++) {
    switch (json[i]) {
      case '"': {
        const start = i++;
        for (; json[i] !== '"'; i++) if (json[i] === "\\") i++;
        lastString = json.slice(start, i + 1);
        break;
      }
      case "{":
      case "[":
        scopes.push(undefined);
        break;
      case "}":
      case "]":
        scopes.pop();
        break;
      case ":": { // outside of strings a colon only ever follows a key
        const key: string = JSON.parse(lastString);
        const keys = scopes.pop() ?? new Set<string>();
        if (keys.has(key)) return key;
        scopes.push(keys.add(key));
      }
    }
  }
  return undefined;
}
