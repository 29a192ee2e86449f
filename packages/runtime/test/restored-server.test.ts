import { expect, it } from 'vitest'
import { erasedSubjects } from '../src/restored-server.ts'

const record = (eventType: string, subject: string) => ({ eventType, connection: 'default', subject })
const erased = record('GUEST_ERASED', 'one')
const subjects = (document: unknown) => erasedSubjects(JSON.stringify(document), 'erasures.json')

it('a list of erasures is read from a document and from lines, without records of other types', () => {
  const found = [{ connection: 'default', subject: 'one' }]
  const data = [erased, record('REFRESH_COMPLETED', 'two')]
  expect(subjects({ data, pagination: { cursor: null, hasMore: false } })).toEqual(found)
  const lines = [{ base: {} }, ...data, { checkpoint: {} }].map((one) => `${JSON.stringify(one)}\n`).join('')
  expect(erasedSubjects(lines, 'erasures.ndjson')).toEqual(found)
})

it('a list of erasures that leaves records out is refused, because their guests would stay', () => {
  const part = { data: [erased], pagination: { cursor: '7', hasMore: true } }
  expect(() => subjects(part)).toThrow(
    /erasures\.json has the latest records alone, and there are more\. Give the list/,
  )
  expect(() => subjects({ data: ['no record'] })).toThrow(/is no list of audit records/)
})
