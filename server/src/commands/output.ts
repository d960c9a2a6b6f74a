import { once } from 'node:events'
import { errorCode } from '../error-code.ts'

/** What a shell reports of a process that a closed pipe has ended: 128 and SIGPIPE. */
const BROKEN_PIPE = 141

/** Ends quietly when whoever reads the output goes away, like every other filter (`… | head`). */
export const endWithOutput = (): void => {
  process.stdout.on('error', (error) => {
    if (errorCode(error) === 'EPIPE') process.exit(BROKEN_PIPE)
    throw error
  })
}

/** Writes to standard output, no faster than it is read. */
export const print = async (text: string): Promise<void> => {
  if (text !== '' && !process.stdout.write(text)) await once(process.stdout, 'drain')
}
