const P = 2n ** 255n - 19n

/** y of the points of order 8 with positive y; the others of order 8 have p - y. */
const Y_OF_ORDER_8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n

// y = 1 is the neutral element, p - 1 the point of order 2, 0 those of order 4.
const LOW_ORDER_Y: ReadonlySet<bigint> = new Set([0n, 1n, P - 1n, Y_OF_ORDER_8, P - Y_OF_ORDER_8])

/**
 * What is wrong with the bytes of an Ed25519 public key, or null. A key of low order verifies one signature for every
 * message; a non-canonical one has two texts (RFC 8032 §5.1.3). OpenSSL refuses neither. Together these are the 14
 * encodings of low order, and every y of p or more.
 */
export const ed25519Problem = (publicKey: Uint8Array): string | null => {
  if (publicKey.length !== 32) return 'has an "x" that is not 32 bytes long'
  const littleEndian = BigInt(`0x${Buffer.from(publicKey.toReversed()).toString('hex')}`)
  // The highest bit is the sign of x.
  const y = BigInt.asUintN(255, littleEndian)
  if (y >= P) return 'is not in canonical form'
  return LOW_ORDER_Y.has(y) ? 'is a point of low order, which verifies forged signatures' : null
}
