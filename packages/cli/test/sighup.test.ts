import { expect, it } from 'vitest'
import { isSighupIgnored } from '../src/sighup.ts'

const none = [false, false, false]
const atTerminal = [true, true, true]
const status = (mask: string) => () => `Name:\tnode\nSigIgn:\t${mask}\nSigCgt:\t0000000100004602\n`
const nothing = status('0000000000001000')

it.each([
  ['a process that nohup started, as the shell says', { _: '/usr/bin/nohup' }, atTerminal, nothing, true],
  ['a process without a terminal', {}, none, nothing, true],
  ['a process whose signal is ignored still', {}, atTerminal, status('0000000000001001'), true],
  ['a process at a terminal', { _: '/usr/bin/node' }, atTerminal, nothing, false],
  ['a process with its output in a file', {}, [true, false, false], nothing, false],
])('says whether SIGHUP is to be ignored: %s', (_, env, terminals, read, ignored) => {
  expect(isSighupIgnored({ env, terminals }, read)).toBe(ignored)
})

it('heeds SIGHUP at a terminal where the system does not tell what is ignored', () => {
  const absent = () => {
    throw new Error('ENOENT')
  }
  expect(isSighupIgnored({ env: {}, terminals: atTerminal }, absent)).toBe(false)
})
