import { parseEnv } from 'node:util'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { dotenvLine } from '../../src/config/dotenv.ts'

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
