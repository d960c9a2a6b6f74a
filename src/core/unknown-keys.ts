import type { ConfigProblem } from './errors.ts'

/** Edits between two words, where swapping two neighbours is one edit (optimal string alignment). */
const editDistance = (left: string, right: string): number => {
  let beforeLast: number[] = []
  let last = Array.from({ length: right.length + 1 }, (_, column) => column)
  for (let row = 1; row <= left.length; row++) {
    const current = [row]
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1]
      const removed = (last[column] ?? 0) + 1
      const added = (current[column - 1] ?? 0) + 1
      const replaced = (last[column - 1] ?? 0) + (same ? 0 : 1)
      const swaps = row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]
      const swapped = swaps ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY
      current.push(Math.min(removed, added, replaced, swapped))
    }
    beforeLast = last
    last = current
  }
  return last[right.length] ?? 0
}

/** The candidate that `word` most likely stands for, upper and lower case being the same, or null where none is near. */
export const didYouMean = (word: string, candidates: readonly string[]): string | null => {
  // Nothing longer than a setting's name can be near one, and the distance costs the product of both lengths.
  if (word.length > 64) return null
  let nearest: string | null = null
  let nearestDistance = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    // A third of the word may be wrong, so that short names do not all resemble each other.
    const allowed = Math.max(1, Math.floor(Math.max(word.length, candidate.length) / 3))
    if (distance <= allowed && distance < nearestDistance) {
      nearest = candidate
      nearestDistance = distance
    }
  }
  return nearest
}

/** One problem for each of the named parts of `value` that is there and is no object. */
export const misshapenParts = (path: string, value: object, parts: readonly string[]): ConfigProblem[] =>
  parts
    .filter((part) => {
      const given: unknown = Reflect.get(value, part)
      return given !== undefined && (typeof given !== 'object' || given === null || Array.isArray(given))
    })
    .map((part) => ({ path: `${path}.${part}`, problem: 'must be an object' }))

/** One problem for each key of `value` that is not allowed, with the name that was probably meant. `path` is '' at the top. */
export const unknownKeys = (path: string, value: object, allowed: readonly string[]): ConfigProblem[] =>
  Object.keys(value)
    .filter((key) => !allowed.includes(key))
    .map((key) => {
      const meant = didYouMean(key, allowed)
      const remedy = meant === null ? `the settings are ${allowed.join(', ')}` : `did you mean "${meant}"?`
      return { path: path === '' ? key : `${path}.${key}`, problem: `is not a setting; ${remedy}` }
    })
