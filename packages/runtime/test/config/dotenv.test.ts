import { parseEnv } from 'node:util'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { dotenvLine, strayLineWarnings, strayLinesOf } from '../../src/config/dotenv.ts'

it('a line of .env reads back as what was written', () => {
  const pem = '-----BEGIN PUBLIC KEY-----\nMFkw+/=\n-----END PUBLIC KEY-----\n'
  const values = [
    '',
    'plain',
    'http://127.0.0.1:4000/x?y=z',
    'two words',
    'a#b',
    "it's",
    'say "x"',
    'a=b',
    '$HOME',
    pem,
  ]
  for (const value of values) expect(parseEnv(dotenvLine('NAME', value))).toEqual({ NAME: value })
})

it('a line of .env reads back, whatever printable text without all the quotes at once', () => {
  const text = fc.string({ unit: fc.constantFrom(...Array.from('abc 019 -_=#$%&:;,./?*()[]{}<>|~^!@+\'"')) })
  fc.assert(
    fc.property(text, (value) => parseEnv(dotenvLine('NAME', value)).NAME === value),
    { numRuns: 500 },
  )
})

it('a line of .env that sets no variable is found; comments and values of several lines are none', () => {
  const pem = 'KEY="-----BEGIN KEY-----\nabc\n-----END KEY-----"'
  const right = ['# a comment', '', 'A=1', '  export B = 2 ', "C='x # y'", pem, 'D="not closed', 'E=', 'F.G-H=`a\nb`']
  expect(strayLinesOf(right.join('\n'))).toEqual([])
  expect(strayLinesOf(right.join('\r\n'))).toEqual([])
  expect(strayLinesOf(`NAME\nA=1\r\n${pem}\nNAME: value\n=x\n`)).toEqual([1, 6, 7])
})

it('of many lines of .env that set no variable, the first ones are named', () => {
  expect(strayLineWarnings([])).toEqual([])
  expect(strayLineWarnings([1, 2, 3, 4, 5, 6])).toEqual([
    'lines 1, 2, 3, 4, 5 and others of .env are not NAME=value, and are ignored',
  ])
})
