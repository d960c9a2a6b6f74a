import { hash } from '@node-rs/argon2'
import { describe, expect, test } from 'vitest'
import { argon2Hasher } from '../../server/src/argon2-hasher.ts'

describe('the argon2 hasher', () => {
  const hasher = argon2Hasher()

  test('hashes with argon2id, 19 MiB, two passes, one lane (N142)', async () => {
    const made = await hasher.hash('correct horse')
    expect(made).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22,}\$[\w+/]{43}$/)
    expect(await hasher.hash('correct horse')).not.toBe(made)
    expect(await hasher.needsRehash(made)).toBe(false)
  })

  test('verifies the whole password, with what other hashes cut off (N142)', async () => {
    const long = `${'a'.repeat(100)}\0tail`
    const made = await hasher.hash(long)
    expect(await hasher.verify(long, made)).toBe(true)
    expect(await hasher.verify(`${'a'.repeat(100)}\0tale`, made)).toBe(false)
    expect(await hasher.verify('a'.repeat(100), made)).toBe(false)
    expect(await hasher.verify('', made)).toBe(false)
  })

  test.each([
    [''],
    ['no hash'],
    ['$argon2id$'],
    ['$argon2id$v=19$m=19456,t=2,p=1$$'],
    ['$scrypt$ln=15,r=8,p=3$c2FsdA$aGFzaA'],
    ['$2b$10$abcdefghijklmnopqrstuvabcdefghijklmnopqrstuvabcdefghijk'],
  ])('answers false for %j, which it does not understand', async (text) => {
    expect(await hasher.verify('correct horse', text)).toBe(false)
  })

  test('answers false at once for a hash that asks for gigabytes or minutes (N141)', async () => {
    const begin = performance.now()
    const tail = '$c2FsdHNhbHRzYWx0c2FsdA$uZp1ZXYb0ZVIVGqvTtyY7V1tNfjZLLmVq8VUM8n3K1g'
    for (const costs of ['m=4194304,t=2,p=1', 'm=19456,t=4294967295,p=1', 'm=19456,t=2,p=255']) {
      expect(await hasher.verify('correct horse', `$argon2id$v=19$${costs}${tail}`)).toBe(false)
    }
    expect(performance.now() - begin).toBeLessThan(500)
  })

  test('asks for a new hash where the old one is weaker, not where it is stronger', async () => {
    expect(await hasher.needsRehash(await hash('x', { memoryCost: 8192, timeCost: 2, parallelism: 1 }))).toBe(true)
    expect(await hasher.needsRehash(await hash('x', { memoryCost: 19_456, timeCost: 1, parallelism: 1 }))).toBe(true)
    expect(await hasher.needsRehash(await hash('x', { memoryCost: 32_768, timeCost: 3, parallelism: 1 }))).toBe(false)
    expect(await hasher.needsRehash('$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g')).toBe(true)
    expect(await hasher.needsRehash('no hash')).toBe(true)
  })

  test('refuses with overloaded what a flood brings beyond the queue (N141)', async () => {
    const flood = await Promise.allSettled(Array.from({ length: 120 }, () => hasher.hash('correct horse')))
    const refused = flood.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
    expect(refused.length).toBeGreaterThan(40)
    for (const reason of refused) expect(reason).toMatchObject({ code: 'overloaded', status: 503 })
    expect(flood.some(({ status }) => status === 'fulfilled')).toBe(true)
  })
})
