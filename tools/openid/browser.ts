/** What a user does at a provider's pages, without a browser: keeps cookies, follows redirects, fills forms in. */
interface Browser {
  /** Follows the address, signs in and consents where pages ask for it, and returns where the provider sends the user at last. */
  signIn(address: string): Promise<URL>
  /** The same on the page for devices; returns the text of the last page. */
  decideDevice(address: string): Promise<string>
}

const STEPS = 20

/** `account`: who signs in. `denies`: leaves each page by its own way out. */
export function browser({ account = 'ada', denies = false } = {}): Browser {
  const get = visitor()

  /** Goes on until the provider sends the user to another origin, or shows a page that asks nothing. */
  async function visit(address: string): Promise<{ readonly left?: URL; readonly text: string }> {
    const start = new URL(address)
    let [url, answer] = [start, await get(start)]
    for (let step = 0; step < STEPS; step += 1) {
      const location = answer.headers.get('location')
      if (location !== null) {
        url = new URL(location, url)
        if (url.origin !== start.origin) return { left: url, text: '' }
        answer = await get(url)
        continue
      }
      const text = await answer.text()
      const next = denies ? exit(text) : undefined
      if (next !== undefined) {
        url = new URL(next, url)
        answer = await get(url)
        continue
      }
      const form = formOf(text, account)
      if (form === undefined || !answer.ok) return { text }
      url = new URL(form.action, url)
      if (denies && text.includes('name="abort"')) {
        form.fields.set('abort', 'yes')
        return { text: await (await get(url, form.fields)).text() }
      }
      answer = await get(url, form.fields)
    }
    throw new Error(`The provider still asks after ${STEPS} pages: ${url.pathname}`)
  }

  return {
    async signIn(address) {
      const { left, text } = await visit(address)
      if (left === undefined)
        throw new Error(`The provider sent the user nowhere: ${text.replaceAll(/<[^>]*>|\s+/g, ' ')}`)
      return left
    },
    decideDevice: async (address) => (await visit(address)).text,
  }
}

/** Asks for pages, and keeps cookies. */
function visitor(): (url: URL, form?: URLSearchParams) => Promise<Response> {
  const cookies = new Map<string, string>()

  function keep(headers: Headers): void {
    for (const line of headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value === '') cookies.delete(name)
      else cookies.set(name, value)
    }
  }

  return async (url, form) => {
    const cookie = Array.from(cookies, ([name, value]) => `${name}=${value}`).join('; ')
    const headers = { cookie, accept: 'text/html' }
    const init = form === undefined ? { headers } : { method: 'POST', body: form, headers }
    const answer = await fetch(url, { redirect: 'manual', ...init })
    keep(answer.headers)
    return answer
  }
}

const attribute = (tag: string, name: string): string | undefined =>
  new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1]?.replaceAll('&amp;', '&')

/** The first form of a page, with its hidden inputs and what the user types. */
function formOf(
  page: string,
  account: string,
): { readonly action: string; readonly fields: URLSearchParams } | undefined {
  const [form, tag = ''] = /(<form[^>]*>)[\s\S]*?<\/form>/.exec(page) ?? []
  if (form === undefined) return undefined
  const fields = new URLSearchParams()
  for (const [input] of form.matchAll(/<input[^>]*>/g)) {
    const name = attribute(input, 'name')
    if (name === undefined) continue
    const typed = name === 'login' || name === 'password' ? account : undefined
    fields.set(name, typed ?? attribute(input, 'value') ?? '')
  }
  return { action: attribute(tag, 'action') ?? '', fields }
}

/** The link of oidc-provider's own pages that ends the sign-in. */
const exit = (page: string): string | undefined => /href="([^"]*\/abort)"/.exec(page)?.[1]
