import { devNull } from 'node:os'
import { readAllBytes, fileReadFault, readTextFile } from '@guestpass/runtime'
import { standardInputError } from '../src/input-text.ts'
import { describe, expect, it } from 'vitest'
import { temporaryFolder, spawnCli } from './spawn-cli.ts'

const MIB = 2 ** 20
const FAULT = { message: 'holds more than 1 MiB', remedy: 'Check that it is the right file.' }

async function* zeros(most = Number.POSITIVE_INFINITY): AsyncGenerator<Uint8Array> {
  for (let given = 0; given < most; given += MIB / 4) yield new Uint8Array(MIB / 4)
}

const thrownBy = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )

describe('what is read as a whole', () => {
  it('may have 1 MiB', async () => {
    expect(await readAllBytes(zeros(MIB))).toHaveLength(MIB)
  })

  it('is refused as soon as it has more, though it has no end', async () => {
    expect(standardInputError(await thrownBy(readAllBytes(zeros())))).toMatchObject({
      code: 'invalid_input',
      message: 'Standard input holds more than 1 MiB.',
      fields: [{ field: '-', ...FAULT }],
    })
  })

  it.skipIf(devNull !== '/dev/null')('is refused where a file has no end', async () => {
    expect(fileReadFault(await thrownBy(readTextFile('/dev/zero')))).toEqual(FAULT)
  })

  it('is refused on the standard input of the process', async () => {
    const folder = temporaryFolder()
    const run = spawnCli(
      ['verify', '-', '--jwks', 'https://keys.invalid'],
      folder.cwd,
      {},
      { input: 'x'.repeat(MIB + 1) },
    )
    expect(await run.ended).toMatchObject({
      code: 2,
      err: expect.stringContaining('Standard input holds more than 1 MiB'),
    })
    folder.remove()
  })
})
