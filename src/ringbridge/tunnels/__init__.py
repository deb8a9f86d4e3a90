"""A public name for this machine, lent by a tunnel: ngrok's or Cloudflare's, whichever is installed."""
