import { expect, it } from 'vitest'
import type { PublicName } from '../../docs/api/public-api.ts'
import { glossaryFaults, retiredWordFaults, wordsOf } from '../reference/glossary.ts'

const type = (name: string): PublicName => ({
  entry: '@guestpass/core',
  name,
  kind: 'interface',
  text: '',
  file: 'a.ts',
  docstring: '',
  examples: [],
  isFactory: false,
  notExported: [],
})

it('the glossary reads names as words in the singular', () => {
  expect(wordsOf('SqliteStoreOptions')).toEqual(['sqlite', 'store', 'option'])
  expect(wordsOf('CRMStatuses')).toEqual(['crm', 'statuse'])
  expect(wordsOf('AccessPolicies')).toEqual(['access', 'policy'])
})

it('the glossary lacks words of exported types, and may not have a word twice', () => {
  const page = '| word | meaning |\n|---|---|\n| back-off, pause | x |\n| lease | y |\n| lease | z |\n'
  expect(glossaryFaults([type('BackOffOptions'), type('Leases'), type('Frobnicator')], page)).toEqual([
    'docs/glossary.md: lacks "frobnicator" of Frobnicator (a.ts)',
    'docs/glossary.md: has "lease" twice',
  ])
})

it('retired words are found in prose, in names in camel case and in names of files', () => {
  const files: Readonly<Record<string, string>> = {
    'a.ts': '// What is told.\nconst refreshLane = 1\nconst planet = 2\n',
    'lanes/b.ts': '',
    'c.md': 'A slot.\n',
    'd.ts': '// a slot\nconst a = `slot`\nconst slotOf = 1\n',
    'e.json': 'told',
  }
  const words = [
    { word: 'told', instead: 'reported' },
    { word: 'lane', instead: 'key' },
    { word: 'lanes', instead: 'keys' },
    { word: 'slot', instead: 'reservation', namesOnly: true },
  ] as const
  expect(retiredWordFaults(words, Object.keys(files), (file) => files[file])).toEqual([
    'a.ts:1: "told" (reported)',
    'a.ts:2: "lane" (key)',
    'lanes/b.ts: its name has "lanes" (keys)',
    'd.ts:3: "slot" (reservation)',
  ])
})

it('finds a retired word beside a term of the field that has it', () => {
  const words = [{ word: 'letters', instead: 'messages', terms: /deadLetters/g }]
  const lines = ['const deadLetters = 1', 'const moreLetters = 1', 'const deadLetters = [letters]']
  expect(retiredWordFaults(words, ['a.ts'], () => lines.join('\n'))).toEqual(['a.ts:2,3: "letters" (messages)'])
})
