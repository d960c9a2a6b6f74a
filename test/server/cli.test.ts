import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ALGORITHM_NAMES, createVerifier } from '../../src/index.ts'
import type { JwksDocument } from '../../src/index.ts'
import { openStore } from '../../server/src/open-store.ts'
import { runJotward, spawnJotward, temporaryFolder } from './processes.ts'

const TOKEN = [{ alg: 'HS256', typ: 'at+jwt' }, { sub: 'u1' }]
  .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  .concat('c2lnbmF0dXJl')
  .join('.')

describe('jotward', () => {
  test('shows its commands, and exits with 2 where none was given', async () => {
    const help = await runJotward(['--help'])
    expect(help).toMatchObject({ code: 0, stderr: '' })
    expect(help.stdout).toContain('jotward token verify')
    expect(await runJotward([])).toMatchObject({ code: 2, stdout: help.stdout })
  })

  test('shows its version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../server/package.json', import.meta.url), 'utf8')) as {
      readonly version: string
    }
    expect(await runJotward(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` })
  })

  test.each([
    ['serve', 'JOTWARD_ACCESS_LIFETIME (15m)'],
    ['user create', '--password-stdin'],
    ['keys generate', '--out=<FILE>'],
    ['token verify', '--max-token-bytes=<N>'],
    ['token decode', 'WITHOUT verifying'],
  ])('explains %s without colours in a pipe', async (name, words) => {
    const { code, stdout } = await runJotward([...name.split(' '), '--help'])
    expect(code).toBe(0)
    expect(stdout).toContain(words)
    expect(stdout).not.toContain('\u001B')
  })

  test.each([
    [['tokn', 'verify'], /no command "tokn verify"; did you mean token verify\?/],
    [['token'], /token is not a whole command; there are token verify and token decode/],
    [['toString'], /no command "toString"/],
    [['--verson'], /no option --verson/],
    [['serve', '--port', '1'], /no option --port; set PORT in the environment/],
    [['serve', '--access-lifetime=5m'], /no option --access-lifetime; set JOTWARD_ACCESS_LIFETIME/],
    [['serve', '--colour'], /no option --colour$/m],
    [['keys', 'public'], /FILE is missing/],
    [['session', 'revoke'], /give --subject S, --id SID with --subject S, or --everything/],
    [['session', 'revoke', '--id', 'x'], /give --subject S, --id SID with --subject S/],
    [['session', 'revoke', '--everything', '--subject', 'x'], /give --subject S, --id SID/],
    [['session', 'revoke', '--subject', ''], /--subject is empty/],
    [['serve', 'now'], /no place for the argument "now"/],
    [['user', 'create'], /--email is required/],
    [['keys', 'generate', '-alg', 'x'], /no option -a/],
  ])('refuses %j with one line and code 2', async (args, words) => {
    const { code, stdout, stderr } = await runJotward(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(words)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })
})

describe('jotward token decode', () => {
  const decoded = { unverified: true, header: { alg: 'HS256', typ: 'at+jwt' }, claims: { sub: 'u1' } }

  test('shows what a token claims and says that nothing is verified', async () => {
    const fromArgument = await runJotward(['token', 'decode', TOKEN])
    expect(JSON.parse(fromArgument.stdout)).toEqual(decoded)
    const fromInput = await runJotward(['token', 'decode'], { input: `${TOKEN}\r\n\n${TOKEN}` })
    expect(fromInput).toMatchObject({ code: 0, stdout: `${JSON.stringify(decoded)}\n`.repeat(2) })
  })

  test('exits with 1 for what is no token, and never repeats it', async () => {
    const { code, stdout, stderr } = await runJotward(['token', 'decode'], { input: `canary\n${TOKEN}\n` })
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toEqual(decoded)
    expect(stderr).toMatch(/1 of 2 read: not a compact JWS/)
    expect(stderr).not.toContain('canary')
  })

  test('ends like any filter when nobody reads on', async () => {
    const child = spawnJotward(['token', 'decode'])
    let errors = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
    child.stdin.on('error', () => undefined)
    child.stdin.write(`${TOKEN}\n`)
    await once(child.stdout, 'data')
    child.stdout.destroy()
    child.stdin.write(`${TOKEN}\n`.repeat(10_000))
    await once(child, 'close')
    expect({ code: child.exitCode, errors }).toEqual({ code: 141, errors: '' })
  })
})

describe('jotward keys generate', () => {
  test('prints a private EdDSA key, a new one each time', async () => {
    const [first, second] = await Promise.all([runJotward(['keys', 'generate']), runJotward(['keys', 'generate'])])
    expect(JSON.parse(first.stdout)).toMatchObject({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig' })
    expect(JSON.parse(first.stdout)).toHaveProperty('d')
    expect(first.stdout).not.toBe(second.stdout)
  })

  test.each(ALGORITHM_NAMES.filter((name) => !name.startsWith('HS')))(
    'writes a private key for %s to a file and prints a set that a verifier takes',
    async (algorithm) => {
      const file = join(temporaryFolder(), 'key.json')
      const { code, stdout } = await runJotward(['keys', 'generate', '--alg', algorithm, '--out', file, '--public'])
      expect(code).toBe(0)
      expect(statSync(file).mode & 0o777).toBe(0o600)
      const keys = JSON.parse(stdout) as JwksDocument
      // A public set with a private member in it is refused.
      expect(() => createVerifier({ issuer: 'i', audience: 'a', keys })).not.toThrow()
      const { kid } = JSON.parse(readFileSync(file, 'utf8')) as { readonly kid: string }
      expect(keys.keys).toMatchObject([{ kid, alg: algorithm, use: 'sig' }])
    },
  )

  test('shows the public half of an existing key, and of each in a ring', async () => {
    const folder = temporaryFolder()
    const keys = ['a', 'b', 'c'].map((name) => join(folder, name))
    const made = await Promise.all(keys.map((file) => runJotward(['keys', 'generate', '--out', file, '--public'])))
    const [first] = keys
    expect(JSON.parse((await runJotward(['keys', 'public', first ?? ''])).stdout)).toEqual(
      JSON.parse(made[0]?.stdout ?? ''),
    )
    const [current, next, retiring] = keys.map(
      (file) => JSON.parse(readFileSync(file, 'utf8')) as { readonly kid: string },
    )
    const ring = join(folder, 'ring')
    writeFileSync(ring, JSON.stringify({ current, next: [next], retiring: [retiring] }), { mode: 0o600 })
    const { code, stdout } = await runJotward(['keys', 'public', ring])
    const set = JSON.parse(stdout) as { readonly keys: readonly { readonly kid: string }[] }
    expect(code).toBe(0)
    expect(set.keys.map(({ kid }) => kid)).toEqual([current?.kid, next?.kid, retiring?.kid])
    expect(set.keys.some((key) => 'd' in key)).toBe(false)
  })

  test.each([
    ['a secret', JSON.stringify({ kty: 'oct', alg: 'HS256', k: 'cTNaazl2UjF0WDdiTjVtVzh5TDJjRDRmRzZoSjBhU2U' })],
    ['a public key', '{"kty":"OKP","crv":"Ed25519","x":"canary"}'],
    ['no JSON', 'canary'],
  ])('shows nothing of a file that holds %s', async (_what, text) => {
    const file = join(temporaryFolder(), 'key')
    writeFileSync(file, text, { mode: 0o600 })
    const { code, stdout, stderr } = await runJotward(['keys', 'public', file])
    expect([stdout, stderr.trimEnd().split('\n').length, stderr.includes('canary')]).toEqual(['', 1, false])
    expect(code).not.toBe(0)
  })

  test('never writes over a file', async () => {
    const file = join(temporaryFolder(), 'key.json')
    writeFileSync(file, 'mine')
    const { code, stderr } = await runJotward(['keys', 'generate', '--out', file])
    expect({ code, kept: readFileSync(file, 'utf8') }).toEqual({ code: 2, kept: 'mine' })
    expect(stderr).toContain('exists already')
  })

  test.each([
    [['--alg', 'HS1'], /--alg: "HS1" is not one of/],
    [['--public'], /--public needs --out/],
    [['--public', '--alg', 'HS256', '--out', 'nowhere/k'], /is a secret and has no public half/],
  ])('refuses %j', async (options, words) => {
    const { code, stdout, stderr } = await runJotward(['keys', 'generate', ...options])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(words)
  })
})

const create = (folder: string, ...options: string[]) =>
  runJotward(['user', 'create', ...options], { env: { JOTWARD_DATA: folder }, input: 'correct horse battery\n' })

describe('jotward user create', () => {
  test('adds a user with the password from standard input and the permissions named', async () => {
    const folder = join(temporaryFolder(), 'data')
    const options = ['--email', 'Ann@example.com', '--permissions', 'orders:read,orders:write', '--password-stdin']
    const { code, stdout } = await create(folder, ...options)
    expect(code).toBe(0)
    expect(stdout).not.toContain('correct horse')
    const store = await openStore(join(folder, 'jotward.sqlite'))
    const user = await store.users.findByEmail('ann@example.com')
    await store.close()
    expect(user).toMatchObject({ email: 'Ann@example.com', permissions: ['orders:read', 'orders:write'], active: true })
    expect(user?.passwordHash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(statSync(join(folder, 'jotward.sqlite')).mode & 0o077).toBe(0)
  })

  test('makes a password where none is given, and shows it once', async () => {
    const { stdout } = await create(join(temporaryFolder(), 'data'), '--email', 'ann@example.com')
    expect(stdout).toMatch(/kept nowhere:\n[a-z2-9]{5}(-[a-z2-9]{5}){3}\n$/)
  })

  test('refuses an address that has an account already, in any spelling (N146)', async () => {
    const folder = join(temporaryFolder(), 'data')
    await create(folder, '--email', 'ann@example.com')
    const { code, stdout, stderr } = await create(folder, '--email', 'ANN@Example.com')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toBe('jotward: the address ANN@Example.com has an account already\n')
  })

  test.each([
    [['--email', 'nobody'], '', /--email: "nobody" is not an e-mail address/],
    [['--email', 'a@b.example', '--permissions', 'a b'], '', /--permissions: "a b" is not a permission name/],
    [['--email', 'a@b.example', '--password-stdin'], 'short', /the password must have at least 8 characters/],
    [['--email', 'a@b.example', '--password-stdin'], 'x'.repeat(70_000), /the password must have at most 4096 bytes/],
  ])('refuses %j without making anything', async (options, input, words) => {
    const folder = temporaryFolder()
    const { code, stderr } = await runJotward(['user', 'create', ...options], { cwd: folder, input })
    expect(code).toBe(2)
    expect(stderr).toMatch(words)
    expect(() => statSync(join(folder, 'data'))).toThrow('ENOENT')
  })
})
