from tests.reads.serving import client, ledger_database, ledger_url, own

__all__ = ["client", "ledger_database", "ledger_url", "own"]
