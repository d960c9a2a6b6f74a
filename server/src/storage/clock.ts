import type { Examination } from './place.ts'

const ROUNDS = 5

/**
 * Asks a store for the time, in milliseconds, and tells how long that takes and how far its clock is ahead. The answer was
 * made somewhere between question and answer, so that the fastest round tells the difference most exactly.
 */
export const compareClocks = async (
  ask: () => Promise<number>,
): Promise<Pick<Examination, 'latencyMs' | 'clockAheadMs'>> => {
  const rounds: { readonly took: number; readonly ahead: number }[] = []
  // The first one may have to open a connection.
  await ask()
  for (let round = 0; round < ROUNDS; round++) {
    const [from, begun] = [Date.now(), performance.now()]
    const theirs = await ask()
    const took = performance.now() - begun
    rounds.push({ took, ahead: theirs - (from + took / 2) })
  }
  const sorted = rounds.toSorted((a, b) => a.took - b.took)
  return {
    latencyMs: Math.round((sorted[Math.floor(ROUNDS / 2)]?.took ?? 0) * 100) / 100,
    clockAheadMs: Math.round(sorted[0]?.ahead ?? 0),
  }
}
