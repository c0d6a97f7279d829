/** All of a body as text. */
export async function bodyText(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of chunks) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

/** JSON as its value, anything else as text, nothing as undefined. JSON that does not parse stays text. */
export function parseBody(contentType: string, text: string): unknown {
  if (text === "") return undefined;
  if (!/^application\/([^;]+\+)?json\b/i.test(contentType)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
