import { ALGORITHM_NAMES } from 'jotward'
import type { Algorithm } from 'jotward'
import { UsageError } from '../usage-error.ts'

/** Reads the option `--alg`. */
export const readAlgorithm = (text: string): Algorithm => {
  const algorithm = ALGORITHM_NAMES.find((name) => name === text)
  if (algorithm !== undefined) return algorithm
  throw new UsageError(`--alg: ${JSON.stringify(text)} is not one of ${ALGORITHM_NAMES.join(', ')}`)
}
