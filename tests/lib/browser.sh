# shellcheck shell=bash
# A headless Chromium, driven by WebDriver (W3C) with curl and jq; source after lib.sh.

# browser_start: sets BROWSER, the URL of its session.
browser_start()
{
	need chromedriver chromium jq curl
	local port
	port=$(free_port)
	mkdir -p "$T/browser"
	HOME=$T/browser chromedriver --port="$port" >"$T/chromedriver.log" 2>&1 &
	track_pid $!
	wait_for 20 "chromedriver listens" listens "$port"
	BROWSER=http://127.0.0.1:$port/session
	local id
	id=$(browser POST "" '{"capabilities": {"alwaysMatch": {"acceptInsecureCerts": true,
		"goog:chromeOptions": {"args": ["--headless=new", "--no-sandbox", "--disable-gpu",
		"--disable-dev-shm-usage", "--no-proxy-server", "--window-size=1000,700"]}}}}' |
		jq -r .sessionId)
	BROWSER=$BROWSER/$id
	at_exit "browser DELETE '' >/dev/null || true"
}

# browser METHOD PATH [JSON]: prints the answer's value; fails with the browser's words.
browser()
{
	local answer
	answer=$(curl -sS --noproxy '*' --max-time 60 -X "$1" ${3:+-H "Content-Type: application/json" -d "$3"} \
		"$BROWSER$2")
	! jq -e '.value.error?' <<<"$answer" >/dev/null || fail "browser: $(jq -r .value.message <<<"$answer" | head -n 1)"
	jq -c .value <<<"$answer"
}

browser_go()
{
	browser POST /url "$(jq -n --arg url "$1" '{url: $url}')" >/dev/null
}

# browser_js SCRIPT: what it returns, as JSON
browser_js()
{
	browser POST /execute/sync "$(jq -n --arg script "$1" '{script: $script, args: []}')"
}

browser_element()
{
	browser POST /element "$(jq -n --arg css "$1" '{using: "css selector", value: $css}')" | jq -r '.[]'
}

browser_click()
{
	browser POST "/element/$(browser_element "$1")/click" '{}' >/dev/null
}

# browser_type CSS TEXT
browser_type()
{
	browser POST "/element/$(browser_element "$1")/value" "$(jq -n --arg text "$2" '{text: $text}')" >/dev/null
}

browser_screenshot()
{
	browser GET /screenshot | jq -r . | base64 -d >"$1"
}

# browser_shows TEXT: waits until the page has it
browser_shows()
{
	wait_for 20 "the page shows: $1" _browser_has "$1"
}

_browser_has()
{
	browser_js 'return document.body.innerText' | grep -qF -e "$1"
}
