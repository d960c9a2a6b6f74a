import { describe, expect, test } from 'vitest'
import { parseDuration, readDuration } from '../../src/core/duration.ts'

describe('a duration', () => {
  test.each<readonly [unknown, number]>([
    [0, 0],
    [900, 900],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    ['0s', 0],
    ['1s', 1],
    ['90s', 90],
    ['15m', 900],
    ['2h', 7200],
    ['30d', 2_592_000],
    ['2w', 1_209_600],
    ['1.5h', 5400],
    ['0.5m', 30],
    // 1.1 * 60 is not 66 in floating point.
    ['1.1m', 66],
    ['0.25d', 21_600],
    ['007m', 420],
    ['9999999999s', 9_999_999_999],
  ])('%j is %i seconds', (value, seconds) => {
    expect(parseDuration(value)).toBe(seconds)
  })

  test.each<readonly [unknown]>([
    // Seconds or milliseconds? Nobody can tell.
    ['900'],
    [''],
    ['15'],
    ['m'],
    ['15 m'],
    [' 15m'],
    ['15m '],
    ['15m\n'],
    ['15M'],
    ['15min'],
    ['15 minutes'],
    ['1y'],
    ['100ms'],
    ['-15m'],
    ['+15m'],
    ['1e3s'],
    ['0x10s'],
    ['.5m'],
    ['1.m'],
    ['1,5m'],
    ['1h30m'],
    ['Infinitys'],
    ['１５m'],
    // Not whole seconds.
    ['0.5s'],
    ['0.001m'],
    ['1.2345h'],
    ['99999999999s'],
    [-1],
    [0.5],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [2 ** 53],
    [1n],
    [null],
    [undefined],
    [true],
    [['15m']],
    [{ seconds: 1 }],
    [new Date(0)],
  ])('%o is none', (value) => {
    expect(parseDuration(value)).toBeNull()
  })
})

describe('a duration setting', () => {
  const range = { min: 1, max: 300 }

  test.each<readonly [unknown, number]>([
    [1, 1],
    ['5m', 300],
    ['60s', 60],
  ])('may be %j: both ends of its range are good', (value, seconds) => {
    expect(readDuration('a.b', value, range)).toBe(seconds)
  })

  test.each<readonly [unknown, string]>([
    ['15 min', '"15 min" is not a duration; write "15m", or 900 for seconds'],
    ['900', '"900" is not a duration; write "15m", or 900 for seconds'],
    [undefined, 'undefined is not a duration; write "15m", or 900 for seconds'],
    [null, 'null is not a duration; write "15m", or 900 for seconds'],
    [0, '0 is out of range; write at least 1 s and at most 300 s'],
    [301, '301 is out of range; write at least 1 s and at most 300 s'],
    ['1d', '"1d" is out of range; write at least 1 s and at most 300 s'],
  ])('that is %j is reported with its path and its remedy', (value, problem) => {
    expect(readDuration('a.b', value, range)).toEqual({ path: 'a.b', problem })
  })
})
