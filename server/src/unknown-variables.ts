import { didYouMean } from 'jotward'
import type { ConfigProblem } from 'jotward'

const PREFIX = 'JOTWARD_'

/** What Kubernetes sets for a service whose name begins with `jotward`. */
const SERVICE_LINK = /^JOTWARD_(?:[A-Z\d_]+_)?(?:SERVICE|PORT)_/
const SERVICE_ADDRESS = /^JOTWARD_(?:[A-Z\d_]+_)?PORT$/

const isForeign = (name: string, text = ''): boolean =>
  SERVICE_LINK.test(name) ||
  // Not one that somebody means for PORT.
  (SERVICE_ADDRESS.test(name) && /^(?:tcp|udp|sctp):\/\//.test(text)) ||
  // Where this project's own tests find their vectors.
  name === 'JOTWARD_VECTORS'

const withoutPrefix = (name: string): string => (name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name)

/** One problem for each `JOTWARD_…` that is nobody's, with the variable that was probably meant. */
export const unknownVariables = (
  environment: Readonly<Record<string, string | undefined>>,
  variables: readonly string[],
): ConfigProblem[] =>
  Object.entries(environment)
    .filter(([name, text]) => name.startsWith(PREFIX) && !variables.includes(name) && !isForeign(name, text))
    .map(([path]) => {
      // What all have in common tells nothing of which was meant.
      const near = didYouMean(withoutPrefix(path), variables.map(withoutPrefix))
      const meant = variables.find((name) => withoutPrefix(name) === near)
      const remedy = meant === undefined ? `the settings are ${variables.join(', ')}` : `did you mean ${meant}?`
      return { path, problem: `is not a setting; ${remedy}` }
    })
