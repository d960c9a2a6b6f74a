import { BlockList, isIP } from 'node:net'

/** What is known of where a request came from. */
export interface Hops {
  /** The other end of the connection, or null where there is none. */
  readonly peer: string | null
  /** The header `X-Forwarded-For`, or null where it is absent. */
  readonly forwardedFor: string | null
  /** How many proxies of our own every request passes through, each of which appends to the header. */
  readonly trustedProxies: number
}

const blockList = (ranges: readonly (readonly [net: string, prefix: number, family: 'ipv4' | 'ipv6'])[]): BlockList => {
  const list = new BlockList()
  for (const [net, prefix, family] of ranges) list.addSubnet(net, prefix, family)
  return list
}

const LOOPBACK = blockList([
  ['127.0.0.0', 8, 'ipv4'],
  ['::1', 128, 'ipv6'],
])

/** RFC 1918, RFC 4193, RFC 6598 and link-local: where proxies of our own are to be found. */
const PRIVATE = blockList([
  ['10.0.0.0', 8, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
])

const isIn = (list: BlockList, address: string): boolean => {
  const plain = address.replace(/^::ffff:(?=[\d.]+$)/i, '').replace(/%.*$/, '')
  const family = isIP(plain)
  return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6')
}

/**
 * The address of the client as far as it can be known, or null. Of `X-Forwarded-For` nothing is believed but what
 * proxies of our own have appended, counted from the right.
 *
 * Where nobody has told of a proxy and the peer is this machine or one of a private network it is null, for it may be a
 * proxy, or a gateway behind which everybody is: a hundred wrong passwords of one stranger would keep everybody out. A
 * header decides nothing there: whoever wrote one would choose not to be counted.
 */
export const clientAddress = ({ peer, forwardedFor, trustedProxies }: Hops): string | null => {
  if (peer === null) return null
  if (trustedProxies === 0) {
    return isIn(LOOPBACK, peer) || isIn(PRIVATE, peer) ? null : peer
  }
  const hops = [...(forwardedFor ?? '').split(','), peer].map((hop) => hop.trim()).filter((hop) => hop !== '')
  return hops[Math.max(0, hops.length - 1 - trustedProxies)] ?? peer
}
