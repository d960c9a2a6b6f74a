/** The code by which Node and the system name an error (`ENOENT`), or its message where it has none. */
export const errorCode = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}
