/** An address with a port, as some proxies write it. */
const WITH_PORT = /^(?:\[([^\]]*)\](?::\d+)?|([\d.]+):\d+)$/

/** What stands where `::` leaves groups out. */
const expand = (address: string): readonly string[] => {
  const [head = '', tail] = address.split('::')
  const [before, after] = [head, tail ?? ''].map((part) => (part === '' ? [] : part.split(':')))
  const known = [...(before ?? []), ...(after ?? [])].length
  return [...(before ?? []), ...Array.from({ length: 8 - known }, () => '0'), ...(after ?? [])]
}

const isMapped = (groups: readonly string[]): boolean =>
  groups.slice(0, 5).every((group) => group === '0') && groups[5] === 'ffff'

const toIpv4 = (groups: readonly string[]): string =>
  groups
    .slice(6)
    .flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255])
    .join('.')

/**
 * What counts as one client: an IPv4 address, or the /64 of an IPv6 one, because a subscriber has a whole /64 at their
 * disposal. An IPv4 address that came over an IPv6 socket is the IPv4 address. Anything else stays as it is.
 */
export const networkOf = (address: string): string => {
  const text = address.trim().toLowerCase()
  const [, bracketed, ipv4] = WITH_PORT.exec(text) ?? []
  const [host = ''] = (bracketed ?? ipv4 ?? text).split('%')
  // The parser of URLs knows every spelling of an IPv6 address, and writes one.
  const url = `http://[${host}]`
  if (!host.includes(':') || !URL.canParse(url)) return host
  const groups = expand(new URL(url).hostname.slice(1, -1))
  return isMapped(groups) ? toIpv4(groups) : `${groups.slice(0, 4).join(':')}::/64`
}
