"""Three tables, as a project on the Python SDK declares them."""
import datetime
import uuid

from sqlalchemy import Column, DateTime, Float, ForeignKey, Index, MetaData, String, Table, Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mainsequence.meta_tables import PlatformManagedMetaTable, PlatformTimeIndexMetaTable, schema_table_name


class Base(DeclarativeBase):
    metadata = MetaData()


class Account(PlatformManagedMetaTable, Base):
    __tablename__ = schema_table_name("sdk_interop", "account")
    __metatable_namespace__ = "sdk-interop"
    __metatable_identifier__ = "sdk_interop.Account"
    __metatable_description__ = "Accounts that own assets and holdings."
    __metatable_labels__ = ("sdk-interop",)

    uid: Mapped[uuid.UUID] = mapped_column(Uuid(as_uuid=True), primary_key=True)
    name: Mapped[str] = mapped_column(String(255), nullable=False)


class Asset(PlatformManagedMetaTable, Base):
    __tablename__ = schema_table_name("sdk_interop", "asset")
    __metatable_namespace__ = "sdk-interop"
    __metatable_identifier__ = "sdk_interop.Asset"

    uid: Mapped[uuid.UUID] = mapped_column(Uuid(as_uuid=True), primary_key=True)
    account_uid: Mapped[uuid.UUID] = mapped_column(
        Uuid(as_uuid=True), ForeignKey(Account.uid, ondelete="RESTRICT"), nullable=False
    )
    symbol: Mapped[str] = mapped_column(String(64), nullable=False)
    __table_args__ = (Index(None, "account_uid"),)


class AccountHoldings(PlatformTimeIndexMetaTable, Base):
    __tablename__ = schema_table_name("sdk_interop", "account_holdings")
    __metatable_namespace__ = "sdk-interop"
    __metatable_identifier__ = "sdk_interop.AccountHoldings"
    __time_index_name__ = "time_index"
    __index_names__ = ["time_index", "account_uid", "unique_identifier"]
    __cadence__ = "1d"

    time_index: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True), nullable=False)
    account_uid: Mapped[uuid.UUID] = mapped_column(
        Uuid(as_uuid=True), ForeignKey(Account.uid, ondelete="RESTRICT"), nullable=False
    )
    unique_identifier: Mapped[str] = mapped_column(String(255), nullable=False)
    quantity: Mapped[float] = mapped_column(Float, nullable=False)


# The application owns it: no migration of ours makes or changes it.
note = Table(
    "sdk_interop_note",
    MetaData(),
    Column("uid", Uuid(as_uuid=True), primary_key=True),
    Column("text", String(1000), nullable=False),
)


def models():
    return [Account, Asset, AccountHoldings]
