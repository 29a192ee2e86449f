import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GuestpassError } from '@guestpass/core'
import { describe, expect, it } from 'vitest'
import { fileKeyRing, localKeyRing } from '../../src/sqlite/index.ts'
import { inFolder, KEY, OTHER_KEY, random, ring } from '../helpers/open-store.ts'

const thrownBy = async (act: () => unknown): Promise<GuestpassError> => {
  try {
    await act()
  } catch (thrown) {
    if (thrown instanceof GuestpassError) return thrown
  }
  throw new Error('Nothing of ours was thrown.')
}

const dataKey = new Uint8Array(32).fill(3)

describe('a key ring from a text', () => {
  it('unwraps what it wrapped, and does not reveal the data key', async () => {
    const wrapped = await ring().wrap(dataKey, 'a purpose')
    expect(wrapped.wrappedBy).toBe(ring().id)
    expect(Buffer.from(wrapped.bytes).includes(Buffer.from(dataKey))).toBe(false)
    expect(Buffer.from(await ring().unwrap(wrapped, 'a purpose'))).toEqual(Buffer.from(dataKey))
  })

  it('wraps with the first key of a list and unwraps with any', async () => {
    const old = await ring(KEY).wrap(dataKey, 'p')
    const both = ring(` ${OTHER_KEY} , ${KEY} `)
    expect(both.id).toBe(ring(OTHER_KEY).id)
    expect(Buffer.from(await both.unwrap(old, 'p'))).toEqual(Buffer.from(dataKey))
    expect((await both.wrap(dataKey, 'p')).wrappedBy).toBe(ring(OTHER_KEY).id)
  })

  it('names the missing key when none of its keys wrapped a data key', async () => {
    const wrapped = await ring(OTHER_KEY).wrap(dataKey, 'p')
    const error = await thrownBy(() => ring(KEY).unwrap(wrapped, 'p'))
    expect([error.code, error.message.includes(wrapped.wrappedBy)]).toEqual(['store_wrong_key', true])
  })

  it('rejects a wrapped key that was changed or wrapped for another purpose', async () => {
    const wrapped = await ring().wrap(dataKey, 'p')
    const changed = Uint8Array.from(wrapped.bytes)
    changed[20] = (changed[20] ?? 0) ^ 1
    const codes = [
      await thrownBy(() => ring().unwrap({ ...wrapped, bytes: changed }, 'p')),
      await thrownBy(() => ring().unwrap(wrapped, 'q')),
      await thrownBy(() => ring().unwrap({ ...wrapped, bytes: new Uint8Array(3) }, 'p')),
    ].map(({ code }) => code)
    expect(codes).toEqual(['store_corrupt', 'store_corrupt', 'store_corrupt'])
  })

  it.each([
    '',
    'secret',
    KEY.slice(0, -2),
    `${KEY}A`,
    Buffer.alloc(31).toString('base64'),
    Buffer.alloc(33).toString('base64'),
    KEY.replace(/.=$/, 'd='),
    '!'.repeat(44),
  ])('refuses the key text %j, naming the field and the remedy and not the text', async (text) => {
    const error = await thrownBy(() => localKeyRing(text, { random }))
    expect(error.code).toBe('config_invalid')
    expect(error.fields?.map(({ field }) => field)).toEqual(['GUESTPASS_ENCRYPTION_KEY'])
    expect(error.message).toContain('openssl rand -base64 32')
    if (text) expect(JSON.stringify(error.toProblem())).not.toContain(text)
  })

  it('names every invalid entry of a list', async () => {
    const error = await thrownBy(() => localKeyRing(`x,${KEY},`, { random }))
    expect(error.fields?.map(({ field }) => field)).toEqual([
      'GUESTPASS_ENCRYPTION_KEY[0]',
      'GUESTPASS_ENCRYPTION_KEY[2]',
    ])
  })
})

describe('a key ring from a file', () => {
  it('is created with a new key that only its owner can read, and read again', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'new', 'guestpass.key')
      const first = await fileKeyRing(path, { random })
      const again = await fileKeyRing(path, { random })
      expect([first.made, again.made, first.ring.id === again.ring.id]).toEqual([true, false, true])
      expect(((await stat(path)).mode & 0o777).toString(8)).toBe('600')
      expect(((await stat(join(folder, 'new'))).mode & 0o777).toString(8)).toBe('700')
      expect(await readdir(join(folder, 'new'))).toEqual(['guestpass.key'])
      expect(ring((await readFile(path, 'utf8')).trim()).id).toBe(first.ring.id)
    })
  })

  it('removes the access of other users to the file', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'guestpass.key')
      await writeFile(path, KEY, { mode: 0o644 })
      expect((await fileKeyRing(path, { random })).made).toBe(false)
      expect(((await stat(path)).mode & 0o777).toString(8)).toBe('600')
    })
  })

  it('is created once by many concurrent calls', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'new', 'deep', 'guestpass.key')
      const rings = await Promise.all(Array.from({ length: 8 }, () => fileKeyRing(path, { random })))
      expect(rings.filter(({ made }) => made).length).toBe(1)
      expect(new Set(rings.map((one) => one.ring.id)).size).toBe(1)
    })
  })

  it('reads a file with a byte order mark, and a file in UTF-16', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'guestpass.key')
      for (const encoding of ['utf8', 'utf16le'] as const) {
        await writeFile(path, `\uFEFF${KEY}\r\n`, encoding)
        expect((await fileKeyRing(path, { random })).ring.id).toBe(ring(KEY).id)
      }
    })
  })

  it('rejects a file that is not text, and names file and line', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'guestpass.key')
      await writeFile(path, Buffer.from(`${KEY}\n\xfc`, 'latin1'))
      const error = await thrownBy(() => fileKeyRing(path, { random }))
      expect([error.code, error.fields]).toMatchObject([
        'config_invalid',
        [{ field: path, message: 'is not UTF-8 (line 2)' }],
      ])
    })
  })

  it('rejects a file without a key, names the file and does not change it', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'guestpass.key')
      await writeFile(path, 'not a key')
      const error = await thrownBy(() => fileKeyRing(path, { random }))
      expect([error.code, error.fields?.[0]?.field]).toEqual(['config_invalid', path])
      expect(await readFile(path, 'utf8')).toBe('not a key')
    })
  })

  it.skipIf(process.platform !== 'linux')(
    'cannot be made in a folder that the file system does not let anybody make',
    async () => {
      const error = await thrownBy(() => fileKeyRing('/proc/nowhere/deep/guestpass.key', { random }))
      expect([error.code, error.message.includes('/proc/nowhere')]).toEqual(['store_unavailable', true])
    },
  )

  it('rejects a path below a file, and a path of a folder', async () => {
    await inFolder(async (folder) => {
      await writeFile(join(folder, 'file'), '')
      await mkdir(join(folder, 'folder'))
      for (const path of [join(folder, 'file', 'guestpass.key'), join(folder, 'folder')]) {
        const error = await thrownBy(() => fileKeyRing(path, { random }))
        expect([error.code, error.message.includes(path)]).toEqual(['store_unavailable', true])
      }
    })
  })
})
