const LINE_FEED = 0x0a

/** Collects one line, but never more of it than may matter. */
const createLine = (maxBytes: number) => {
  let parts: Buffer[] = []
  let size = 0
  return {
    add: (bytes: Buffer): void => {
      const part = bytes.subarray(0, maxBytes - size)
      parts.push(part)
      size += part.length
    },
    take: (): string => {
      const text = Buffer.concat(parts).toString('utf8')
      parts = []
      size = 0
      return text.endsWith('\r') ? text.slice(0, -1) : text
    },
    isEmpty: (): boolean => size === 0,
  }
}

/**
 * Reads lines that end in LF or CRLF, as they come in, in batches that came in together. A line of more than
 * `maxBytes` is cut off there, so that no input can take all memory. Nothing else ends a line: a lone CR or U+2028
 * belongs to the token, which it spoils.
 */
export const lineBatches = async function* (input: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<string[]> {
  const line = createLine(maxBytes)
  for await (const chunk of input) {
    const lines: string[] = []
    let start = 0
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      line.add(chunk.subarray(start, end))
      lines.push(line.take())
      start = end + 1
    }
    line.add(chunk.subarray(start))
    yield lines
  }
  if (!line.isEmpty()) yield [line.take()]
}

/** Whether a line holds nothing but spaces and tabs. */
export const isBlank = (line: string): boolean => /^[ \t]*$/.test(line)
