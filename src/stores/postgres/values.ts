import type { Seconds } from '../../core/duration.ts'

/** A span as the functions of the schema take it. */
export const toMilliseconds = (span: Seconds): number => Math.ceil(span * 1000)

/** Whether a text can be in a database at all. PostgreSQL takes no NUL, so nothing can be there under such a name. */
export const isStorable = (text: string): boolean => !text.includes('\u0000')
